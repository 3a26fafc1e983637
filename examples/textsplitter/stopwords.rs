//! Frequent words, which identify the language of a text but not its content.

/// The languages and their words.
pub(crate) const STOPWORDS: [(&str, &str); 4] =
    [("de", GERMAN), ("en", ENGLISH), ("es", SPANISH), ("fr", FRENCH)];

const ENGLISH: &str = "a about above after again all also always an and another any are aren as at be \
    because been before being below between both but by can cannot could did do does doesn doing don \
    down during each either else etc even ever every few first for from further get gets give given \
    had has have having he her here hers him his how however i if in instead into is isn it its just \
    know less let like ll make many may me might more most much must my need new no nor not now of \
    off on once one only or other our out over own per please rather re same see set shall she should \
    since so some such than that the their them then there these they this those through to too two \
    under until up upon us use used using ve very via want was wasn way we well were what when where \
    whether which while who whole why will with within without won would yes yet you your";

const GERMAN: &str = "aber alle allem allen aller alles als also am an ander andere anderen auch auf \
    aus bei beim bin bis bist bzw da damit dann das dass dein dem den denn der des dessen die dies \
    diese dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch euer \
    für gegen hab habe haben hat hatte hier hin hinter ich ihm ihn ihr ihre ihren im immer in ins ist \
    jede jedem jeden jeder jedes kann kein keine keinen können man mehr mein mich mir mit muss nach \
    nicht nichts noch nun nur ob oder ohne schon sehr sein seine seit sich sie sind so solche soll \
    sollte sondern sonst um und uns unser unter vom von vor wann war waren warum was weil welche wenn \
    wer werden wie wieder will wir wird wo wurde wurden zu zum zur zwischen über";

const SPANISH: &str = "a al algo algunos ante antes aquí así aunque bien cada como con contra cual \
    cuando de del desde donde dos durante e el ella ellas ellos en entonces entre era es esa ese eso \
    esta estaba este esto estos está están fue ha hace hacia han hasta hay la las le les lo los me \
    mi mientras muy más nada ni no nos nosotros o otra otro otros para pero poco por porque puede \
    pueden que quien qué se sea ser si sido sin sobre solo son su sus sí también tan tanto te tener \
    tiene tienen todo todos tu un una uno unos usted y ya yo él";

const FRENCH: &str = "ai alors au aucun aussi autre aux avant avec avoir bien car ce cela ces cet cette \
    ceux chaque chez ci comme comment d dans de depuis des deux doit donc dont du elle elles en encore \
    entre est et eu fait faut ici il ils j je l la le les leur leurs lors lui là ma mais me mes moi \
    moins mon même n ne nos notre nous on ont ou où par pas peu peut peuvent plus pour pourquoi qu \
    quand que quel quelle qui s sa sans se selon ses si soit son sont sous sur ta te tous tout toute \
    toutes très tu un une vers voir vos votre vous y à été être";
