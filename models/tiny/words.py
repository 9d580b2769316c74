"""The words, names and colours of the corpus, and the line between training and held-out ones.

Real words are listed; invented ones are drawn from syllables or from random
letters, so that copying and spelling are learned as operations on letters
and not as a list of known words. A word is held out when a checksum of its
letters says so, which no later edit of a list can change.
"""

from __future__ import annotations

import random
import zlib

WORDS: tuple[str, ...] = tuple(
    """
    apple pear fig plum grape lemon lime mango melon peach cherry berry banana orange kiwi apricot
    bread butter cheese sugar honey pepper garlic onion carrot potato tomato cabbage lettuce spinach
    rice pasta noodle soup salad sauce cream milk coffee water juice cake cookie biscuit pie toast
    table chair lamp sofa shelf mirror window door floor ceiling wall roof kitchen garden bathroom
    spoon fork knife plate bowl cup glass bottle basket bucket blanket pillow towel carpet curtain
    dog cat horse cow sheep goat pig duck goose chicken rabbit mouse tiger lion bear wolf fox deer
    monkey elephant giraffe zebra camel donkey kangaroo dolphin whale shark turtle frog snake lizard
    eagle hawk owl crow pigeon sparrow swan parrot penguin ostrich bee ant spider beetle butterfly
    tree flower grass leaf branch root seed forest mountain river lake ocean island desert valley
    beach cliff cave storm thunder rain snow wind cloud sun moon star planet comet galaxy sky
    house castle tower bridge road street village city market school church hospital library museum
    train bus car truck plane boat ship bicycle tractor rocket engine wheel brake pedal anchor
    hammer nail screw ladder shovel rake saw drill wrench chisel bolt rope chain wire paint brush
    book paper pencil pen eraser ruler letter stamp envelope notebook page story poem novel
    doctor teacher farmer baker butcher sailor pilot driver lawyer painter singer dancer writer
    king queen prince knight soldier captain wizard dragon ghost giant pirate robot clown hero
    hand foot head nose mouth ear eye tooth hair finger thumb elbow knee shoulder stomach heart
    shirt shoe sock hat coat glove scarf belt jacket dress button pocket zipper sweater boot
    red blue green yellow purple brown black white silver golden
    happy sad angry brave calm clever gentle proud quiet silly strong tired warm cold hungry lucky
    run jump walk swim climb dance sing laugh smile sleep dream think speak listen write read
    build carry catch choose draw drive fight follow forget gather guess hurry invite jog kneel
    hello world music piano violin guitar drum trumpet flute song concert theatre picture camera
    computer keyboard screen mouse printer cable battery button network program python memory
    money coin bank wallet ticket passport suitcase hotel airport station journey holiday winter
    summer spring autumn monday friday sunday morning evening night minute second hour century
    circle square triangle number letter question answer problem reason secret riddle puzzle game
    football tennis hockey chess card dice kite balloon puppet doll balance copper iron marble
    velvet cotton wool silk leather plastic rubber crystal diamond emerald ruby pearl amber ivory
    quick lazy jumpy fuzzy dizzy vivid exotic unique yellowish xylophone quartz jigsaw oxygen zigzag
    abbey bubble cocoon daffodil eleven fellow giggle hiccup igloo jelly kettle llama mammal noon
    oboe poppy queue rattle sassy tattoo umbrella vacuum waffle yoyo zipper area idea radio studio
    encyclopedia helicopter strawberry watermelon calculator dictionary temperature adventure
    """.split()
)

NAMES: tuple[str, ...] = tuple(
    """
    Anna Zofia Peter Maria John Emma Liam Olivia Noah Ava Lucas Mia Ethan Amelia Leo Chloe Hugo Alice
    Marta Pavel Ivan Olga Nina Sven Lars Ingrid Greta Otto Felix Clara Paul Julia David Sarah Daniel
    Laura Adam Eva Tomas Petra Jakub Hana Karel Milos Vera Boris Natasha Igor Yuri Mikhail Elena
    Marco Giulia Paolo Chiara Luca Francesca Diego Carmen Pablo Lucia Javier Rosa Miguel Ines Rui
    Pierre Camille Louis Manon Antoine Juliette Mathieu Amandine Theo Margaux Yves Odile Henri Zoe
    Ahmed Fatima Omar Layla Yusuf Amina Hassan Zahra Karim Nadia Samir Leila Ravi Priya Arjun Anjali
    Vikram Meera Sanjay Kavita Wei Li Ming Xiao Jun Mei Hiroshi Yuki Kenji Sakura Akira Naomi Minho
    Jisoo Linh Thanh Somchai Kwame Ama Kofi Abena Chidi Ngozi Tunde Amara Thabo Zanele Jabari Imani
    Bob Tom Sam Max Ben Kate Jane Mark Luke Ruth Rachel Simon Oscar Victor Ella Grace Lily Jack Harry
    George Charlie Freddie Arthur Isla Freya Rory Callum Fiona Duncan Bridget Sean Aoife Niamh Ciaran
    """.split()
)

COLOURS: tuple[str, ...] = tuple(
    """
    red blue green yellow purple orange brown black white pink grey teal maroon navy olive violet
    indigo turquoise cyan magenta gold silver bronze beige ivory lavender lilac mint coral salmon
    crimson scarlet ruby emerald jade amber azure cobalt peach plum rust sand khaki lime mustard
    chestnut charcoal cream burgundy aqua fuchsia ochre sepia tan umber vermilion sapphire rose
    """.split()
)

_ONSETS = "b c d f g h j k l m n p q r s t v w x y z bl br ch cl cr dr fl fr gl gr pl pr sh sl sn sp st str th tr tw wh".split()
_NUCLEI = "a e i o u a e i o u ai ea ee oa oo ou ie".split()
_CODAS = ["", "", "", "", *"b d g k l m n p r s t x z ck ll nd ng nt rd rn sh ss st th tt".split()]


def held_out(word: str) -> bool:
    """Whether a word belongs to the held-out tenth (its case does not matter)."""
    return zlib.crc32(word.lower().encode()) % 10 == 3


def _pick(rng: random.Random, words: tuple[str, ...], held: bool) -> str:
    while True:
        word = rng.choice(words)
        if held_out(word) == held:
            return word


def invented(rng: random.Random, held: bool, longest: int = 10) -> str:
    """A word that does not exist: mostly pronounceable, sometimes random letters."""
    while True:
        if rng.random() < 0.75:
            word = ""
            for _ in range(rng.choice((1, 2, 2, 3, 3))):
                word += rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
        else:
            word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 8)))
        if 2 < len(word) <= longest and held_out(word) == held:
            return word


def word(rng: random.Random, held: bool, real: float = 0.4) -> str:
    """A word to spell or sort. Held-out ones are real more often than training ones."""
    return _pick(rng, WORDS, held) if rng.random() < real else invented(rng, held)


def name(rng: random.Random, held: bool) -> str:
    """A person's name: a listed one or an invented one."""
    if rng.random() < 0.5:
        return _pick(rng, NAMES, held)
    return invented(rng, held, 9).capitalize()


def colour(rng: random.Random, held: bool) -> str:
    """A colour: a listed one or, in training, now and then a word that is none."""
    if held or rng.random() < 0.6:
        return _pick(rng, COLOURS, held)
    return word(rng, held)
