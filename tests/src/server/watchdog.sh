# Runs a server and ends it when the process that started this script is gone.
#
# Arguments: the server's directory, then the server's command line.
# Standard input is a pipe whose other end the starting process holds open and never writes to.
# However that process ends, SIGKILL included, the kernel closes the pipe. No code of the
# process has to run for that, which is why the server cannot outlive it.

directory=$1
shift

# The standard input of background commands is /dev/null, so the pipe needs a number of its own.
exec 3<&0

"$@" </dev/null >"$directory/server.log" 2>&1 3<&- &
server=$!

{
    read -r _ <&3
    : >"$directory/orphaned"
    kill -9 "$server"
} >/dev/null 2>&1 &
watcher=$!

echo "$server"
exec >/dev/null 2>&1

wait "$server"
kill "$watcher"

# Nobody is left to remove the directory of an orphaned server.
if [ -e "$directory/orphaned" ]; then
    rm -rf "$directory"
fi
