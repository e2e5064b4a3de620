"""Short lists of our own: short forms of first names, names that are common words, and words that name no one place.

They need not be whole: a short form that is missing here is for the two people who read the report.
"""

NICKNAMES = """
abigail abby abbie gail | albert al bert bertie | alexander alex alec sandy sasha xander | alexandra alex lexi sandra
alfred alf alfie fred freddie | amelia amy millie mia | andrew andy drew | annabel anna bella | anthony tony ant
antonia toni | archibald archie | arthur art artie | barbara barb babs | benjamin ben benny benji | bethany beth
caroline carol carrie caz | catherine cath cathy kate katie kitty | katherine kath kathy kate katie kitty kay
charles charlie chas chuck | charlotte charlie lottie lotty | christian chris | christina chris chrissie tina
christopher chris kit topher | daniel dan danny | danielle dani | david dave davey davy | deborah deb debbie
donald don donny | dorothy dot dottie dolly | edward ed eddie ned ted teddy | eleanor ellie nell nora
elizabeth beth betsy betty eliza lizzie liz libby lisa bess | emily em emmy millie | ezekiel zeke | florence flo flossie
frances fran frankie | francis frank frankie | frederick fred freddie freddy | gabriel gabe | gabrielle gabby
george georgie | georgina georgie gina | gerald gerry | geoffrey geoff | gregory greg | harriet hattie harry
harold harry hal | henry harry hal | imogen immy | isabella bella izzy bel | isabel izzy bel | jacob jake
jacqueline jackie | james jim jimmy jamie jem | janet jan | jasmine jas jazz | jeffrey jeff | jennifer jen jenny
jeremy jez jem | jessica jess jessie | joanna jo joanne | john jack johnny jon | jonathan jon jonny nathan
joseph joe joey | josephine jo josie | joshua josh | judith judy | julia jules | julian jules | kenneth ken kenny
kimberley kim | laurence larry laurie | leonard leo len lenny | lillian lily lil | louis lou louie | louise lou
madeleine maddie maddy | margaret maggie meg megan peg peggy rita | martin marty | matilda tilly mattie
matthew matt matty | maximilian max | michael mick mickey mike mikey | mohammed mohammad muhammad mohamed mo
natalie nat | natasha tasha nat | nathaniel nat nathan nate | nicholas nick nicky nico | nicola nicky nikki
oliver ollie olly | olivia liv livvy livi | pamela pam | patricia pat patsy tricia trish | patrick pat paddy
penelope penny | peter pete | philip phil pip | philippa pippa pip | rachel rach | raymond ray | rebecca becky becca
reginald reg reggie | richard dick rich richie rick ricky | robert rob robbie bob bobby bert | ronald ron ronnie
rosemary rose rosie | russell russ | samantha sam sammy | samuel sam sammy | sarah sally sadie | sebastian seb
simon si | sophia sophie soph | stephanie steph | stephen steve stevie | steven steve stevie | stuart stu
susan sue susie suzie | tabitha tabby | teresa terri tess tessa | theodore theo ted teddy | theresa terri tess tessa
thomas tom tommy | timothy tim timmy | tobias toby | valerie val | veronica ronnie | victor vic | victoria vicky tori
vincent vince vinny | virginia ginny | walter wally walt | wilfred wilf | william bill billy will willy liam
zachary zac zack zach
"""
"""Each line holds first names with their short forms; a bar parts one name from the next."""

COMMON_WORDS = frozenset(
    """
    abbot able amber angel april ash august autumn baker bank banks barber basil bay bean bell berry best bill bird
    bishop black blessing bond book booth boss bow brand branch bridge bright brook brown buck bush butcher butler cane
    carpenter carter case cash castle chance chapel charity chase cherry child church clay clear cliff close cloud cole
    constance cook cooper corn court crane cross crown crystal curry daisy dale dance dawn day dean dear deal destiny
    dollar down drake drew duke dusty earl east ever fair faith farmer fern field fields fields finch fish fisher fleet
    flower flowers flynn foot ford forest forrest fox frank freed french friday friend frost gale gardener gene gentle
    german gift ginger glen gold golden good grace grant grave gray green greer grey grove guest guy hale hall hand
    happy hardy harmony harry hart hazel head heard heath heather heaven hill holiday holly holmes honey hood hope house
    howe hunt hunter ice ireland iris ivory ivy jack jade jasper jay jersey jewel joy judge july june just justice kay
    king kitty knight lake lamb lance land lane large last law laws lawyer lee liberty light lily little lock long
    lord love low lucky lucy major man mark market marsh martin mason master masters may mead melody mercy merry mike
    mile miles mill miller min moody moon moor more morning moss mount myth news nick nicks night noble noel noon north
    nurse ocean olive page palm park parker parks parson pat patience peace peach pearl penny pepper perry piers pike
    pilgrim pitt plant pole pond poor pope poppy porter post potter pound power precious price pride priest prince
    prudence queen quick rain ramsey ransom ray read reed reef rice rich ring rise river rivers robin rock rocky rod
    roger rose rosemary rowan royal ruby rule rush rusty sage salmon sandy savage say school scott sea self sergeant
    shade sharp shepherd sherry short shore silver singer skinner sky slade sleep small smart snow song south
    spark sparks speak spring star starr steel stern still stock stone storm street strong sue summer sun sunday sunny
    swan swift tailor tanner taylor temple terry thorn tiger tuesday turner valentine vale van victor victory violet
    walker wall ward waters way weaver weeks well wells west west wheeler white will willow win wind winter wise wolf
    wood woods wren young
    """.split()  # noqa: SIM905 -- a list of words reads better as words
)
"""Names that are words besides: found only where they are written large, and then as possible."""

TITLES = frozenset("mr mrs miss ms mx dr prof sir dame rev lord lady master".split())  # noqa: SIM905
PARTICLES = frozenset(
    "van von der den de del della di da dos das du la le el al bin ibn bint ben ap ab st abu ul of the and y e".split()  # noqa: SIM905
)
"""Parts of names that alone name nobody."""

ABBREVIATIONS = frozenset(
    """
    ad am as at be bc bt by cd ce cp cq do dr ed eu ex fc ga go gp he hr hs hv id ie if in is it la lp me mp mr ms my nb
    nd ni no ns od of ok on or os pa pc ph pm pr ps pt qa rr sc sen so st sw tb to tv uk un up us vs we
    """.split()  # noqa: SIM905
)
"""Two letters that are read as something else than somebody's initials."""

STREETS = {
    "avenue": "ave",
    "road": "rd",
    "street": "st",
    "saint": "st",
    "lane": "ln",
    "close": "cl",
    "drive": "dr",
    "court": "ct",
    "crescent": "cres",
    "gardens": "gdns",
    "place": "pl",
    "square": "sq",
    "terrace": "terr",
    "ter": "terr",
    "grove": "grv",
    "house": "hse",
    "mount": "mt",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
}
"""Words of an address and how they are shortened; both are compared as the shorter."""

GENERIC = frozenset(
    """
    academy and apartment area at ave avenue block borough building bungalow by care centre children childrens church cl
    clinic close college community cottage council county court cres crescent ct city district dr drive east england
    estate farm first flat floor for foster gardens gdns general great ground grove grv hall health high hill home
    hospital house hse in infant infants junior lane ln lodge lower maternity middle mount mt near new north nursery of
    old on outside over park parish pl place placement police pre primary prison rd residential road rooms royal school
    second secondary shop sixth south sq square st station street surgery ter terr terrace the to town trust under unit
    university upper village walk ward way west wing with young youth
    """.split()  # noqa: SIM905
)
"""Words of places that alone tell no place."""
