"""Which three letters stand together in words: the 3,000 most common triples of English words, names and passwords.

A word in another language that has vowels is mostly made of them too. ``scripts/make_letter_triples.py`` writes the
table; it holds a bit for each triple, in alphabetical order.
"""

import base64
import math
from functools import cache
from typing import Final

LETTERS: Final = 26
_IN_WORDS: Final = 0.9
"""The share of a word's triples that are common."""


@cache
def costs() -> tuple[float, ...]:
    """Return, for each triple of letters, the bits that its third letter costs behind the first two."""
    bits = _bits()
    rows = (bits[start : start + LETTERS] for start in range(0, LETTERS**3, LETTERS))
    return tuple(cost for row in rows for cost in _row(row))


def share_of_words(text: bytes) -> float:
    """Return which share of the letter triples of *text* is common, digits read as the letters that they look like.

    In words that is two of three, in random text one of five.
    """
    letters = text.lower().translate(_SPELLING, _OTHERS)
    if len(letters) < _FEW:
        return 0.0
    bits, numbers = _bits(), [letter - _A for letter in letters]
    common = sum(
        bits[(first * LETTERS + second) * LETTERS + third] == "1"
        for first, second, third in zip(numbers, numbers[1:], numbers[2:], strict=False)
    )
    return common / (len(letters) - 2)


@cache
def _bits() -> str:
    return f"{int.from_bytes(base64.b85decode(_COMMON)):0{LETTERS**3}b}"


def _row(row: str) -> list[float]:
    common = row.count("1")
    if not common:
        return [math.log2(LETTERS)] * LETTERS
    usual = math.log2(common / _IN_WORDS)
    unusual = math.log2(max(LETTERS - common, 1) / (1 - _IN_WORDS))
    return [usual if bit == "1" else unusual for bit in row]


_FEW: Final = 8
_A: Final = ord("a")
_SPELLING: Final = bytes.maketrans(b"01345789@$", b"oieastbgas")
_OTHERS: Final = bytes(byte for byte in range(256) if chr(byte) not in "abcdefghijklmnopqrstuvwxyz01345789@$")
_COMMON: Final = (
    "fB--?B$_IlEsJkyvH%cZBOsIrxn_bQC;&1%a3COn2$&*+`t0(^k0?L?jxYcK0wzu1000O-@87$dvx=r^;&L2uA|QYWi$VYb007vY"
    "Fd`s;7dyv_B0vHF000000t>lE2mk;80000W000Z2X8<4o00000A|Qew00000007b+dw>7{00002A_yP|0uTTI00(Ku0000000000"
    "0000$1ONa40C1gr00008i6DRg005YsaDV^+00003BKhi^7jyss01eslDk2CV000005C9Lk_uv2k00008A|Qew0006a37|k7Z~y=R"
    "000000000W01yBG00+6(>L3UJfB*m@B!DmB_v8Wy00@8pA^?C3;rGA*0000003slOC<q_|AOHX&AASG;000000wM?^2?7uRK>!Yc"
    ")&L>^0EmD900000073u&004JAd?F;03Y#T@>S?NQJ#=FvmI$dNf+7h3G8}Xw0DuUH0t5Q&^2mz_Kkc8eAytAVP2d0k2tWVdubcCN"
    "rfK5<4R9hLfDDKt0;U8)NB|%L000IF$G`vp000000000Bfky%&NrC_X01*HH1EEI{0000001zS|f*=3@0000002WCA0000000JTi"
    "AOHXW0w4ea0Y?A;000000000000;m80000|oOr+hfB*mh0ssgAm>zHdKmZ7d0t+KZK<E~9000000006a2m*)z03slO4IyX100000"
    "001H&f&c&k00amCh@5bM000O800000000000000F``7FM2m$~A00000583x<000000000$01xB$M8JRmfB*m@Ab=={00JTi0RBII"
    "000000006a2p|9e03slW4k5<?0001p000000099K00000VjOTXB$5i7CxU87pmrR710aMgx#ofZ0000003ZMW2#6p9V(9Y7izq++"
    "k0K$*f+kGh000OtuAC0Lw}Pfg;{XUCA|QYO0000W004jh03slO5&*^s000001ONd501ALd000000000000000zyJUM000O800000"
    "00000000S;XaE2J00000000000000000{v`000000000001yBG0000008*TAzyJUM00000000=AaDV^+00002AP4|B9B=>t00000"
    "0wMqahyVZrAb<b?M&JMd00000ARvGM5CH%H2mk;GKmY&$2ml}e000000000000(>5?jQ&NfdT*`AeayP_xJ(`0Ehqp0sw#y<NL$_"
    "004-905T$qD2N~cAOHaJpMHQq00000000002!aqIV45$Y#{wb%0Du4h0000E0K)(P001-ndEz9J3L=020002Go^XHw0000000000"
    "x-@V=00000001BW0EmhRfFJ+|JLkeCN#Fng00961000310000m6mS3l0000000000001BW000NO*Tx_TAc>M#vSykq>G%F3Ng&CR"
    "cp?CR599O31_&UCk|3fWfGB_f0wM?^a-V(x000000DvM00PV9FB4nB>fX4zN2mpWr000002mpWrA_xF5G;lH`m<pREf@(>k5ELK-"
    "AOr}hW{M&h01y;#00008h#~`W=<>*mAiuwlH*@y_CQaf100=*?-YS{10;WmAa+Po*Ab<^tLI45)0Ehq}A^-pbDc6Vq0000000000"
    "3xQVv00000001H&kSn40000000000YAc7zO0000005HFLA|#L?0006a2p|Z65TYQ01OZn7000000000000004000000000$00000"
    "00000000000000000000000000000000000000000000000000000000000000000000000EmJB00000fB*mh00000000002mjaZ"
    "A_yRfk_aLsnh*c~?j{HziGoNX0DuqU^TYrE0Ev(wCLo9?h#~?a2!Q{;f1+fN0001jA_yXhf*2xankVVg0wMqah=KqB000O9QUCw|"
    "0Cv58q5y&@m?VM_008=({eU0<00003BKczeKXgC<00@X63L*$1h=K?rAb<iv^};4eAOHXe0ssIAiK43}X{zp>U;-cj2#6p60000W"
    "93TJy00(>5`Tz(3fdT*k0Duqa_iz9RAOHXWGAEj^<Nrhe004jh03slOD1aaUAOHY%zkYxK000000wM?^sEQaOB$zEh*8l(j0EmJB"
    "000040n`8>000maP%<P83Yq}|Y6yT>6mS6m00^)EfB*mhFcfeA000Px00MeU;K++0KkeLr004p_MZf?606(waDw`7mrb*xc00062"
    "000000000000000000vyM*si-0000000001ImZYD00000000003!`U100000000000000000000Ae2}D00000000000000000000"
    "000000000000000000000000Ilyraq0000003ZMW*pzSp0000000JTi06G+K000000000Y0000000JNg00HCx00000001H&00062"
    "00000000000000000000000C40000006+i$000O8000000RRR70000000000015!Y00000000000000000000000000tA2n0000G"
    "0000000ICI00000000000000006+i$0000006btK0FVfgAOIi<0FV%10000000000000040000000002A_xG80{|`oga80UfFuY&"
    "0000WAb<df0RScl000000000000000000000000000YGU00000000000099;00000000000001hKmY&$000000ssI20000000004"
    "KmY&$0000000000000000000000000000080000000II)00"
)
