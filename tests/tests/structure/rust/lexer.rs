//! Tokens, grouped by their brackets. Comments are left out.

use super::literal;

/// A token with its line.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) token: Token,
    pub(crate) line: usize,
}

/// A token, or what is between two brackets.
#[derive(Debug)]
pub(crate) enum Token {
    /// A name or a keyword.
    Name(String),
    /// The value of a string literal.
    Text(String),
    /// A character that is neither a bracket nor part of a literal.
    Punct(char),
    /// The opening bracket, and what is between it and the closing one.
    Group(char, Vec<Tree>),
}

impl Tree {
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.token {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn is(&self, expected: char) -> bool {
        matches!(self.token, Token::Punct(found) if found == expected)
    }

    pub(crate) fn group(&self, expected: char) -> Option<&[Tree]> {
        match &self.token {
            Token::Group(open, trees) if *open == expected => Some(trees),
            _ => None,
        }
    }
}

/// The tokens of a source that compiles.
pub(crate) fn parse(text: &str) -> Vec<Tree> {
    let mut lexer = Lexer { rest: text, line: 1 };
    lexer.trees()
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
}

impl Lexer<'_> {
    /// The tokens up to a closing bracket or the end.
    fn trees(&mut self) -> Vec<Tree> {
        let mut trees = Vec::new();
        while let Some(next) = self.rest.chars().next() {
            let line = self.line;
            let token = if next.is_whitespace() {
                self.skip(next.len_utf8());
                continue;
            } else if let Some(length) = literal::comment(self.rest) {
                self.skip(length);
                continue;
            } else if let Some((length, value)) = literal::string(self.rest) {
                self.skip(length);
                Token::Text(value)
            } else if let Some(length) = literal::character(self.rest) {
                self.skip(length);
                continue;
            } else if next.is_alphanumeric() || next == '_' {
                let is_part = |part: char| part.is_alphanumeric() || part == '_';
                let name = self.rest.trim_start_matches(is_part);
                let name = &self.rest[..self.rest.len() - name.len()];
                let token = Token::Name(name.to_owned());
                self.skip(name.len());
                token
            } else if matches!(next, '(' | '[' | '{') {
                self.skip(1);
                Token::Group(next, self.trees())
            } else {
                self.skip(next.len_utf8());
                if matches!(next, ')' | ']' | '}') {
                    break;
                }
                Token::Punct(next)
            };
            trees.push(Tree { token, line });
        }
        trees
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}
