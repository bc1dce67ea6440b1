r"""What texts mean: addresses, identifiers, categories and language.

============ ====================================================================================
kind         a text fits if
============ ====================================================================================
uuid         it is 8-4-4-4-12 hexadecimal digits, in braces or after ``urn:uuid:`` too; without
             hyphens only with the version and variant of RFC 9562 (else it may be an MD5 sum)
email        it is ``local@host.domain`` by the HTML standard, with a top level domain
url          it is ``scheme://host…`` of a known scheme, or ``www.host.domain…``, without spaces
language     it has at least 3 words that consist of letters, of 2.5 to 8 letters on average, and
             is written like language: see below
============ ====================================================================================

Language. TFDV asks for three words of the right length, and so takes names ("Braund, Mr. Owen
Harris") and addresses for language. Here, in Latin letters, a text must have words that hold
sentences together ("the", "und", "des": lists of seven languages) or at least 40 % of its words in
lower case, and half of the texts must have the former. In the scripts without spaces (Han, Kana,
Thai) it needs 10 letters; in Hangul words are 1.5 to 8 letters long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]

_HEX = "[0-9a-f]"
UUID = (
    rf"(?i)^(?:urn:uuid:)?\{{?{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}\}}?$"
    rf"|^{_HEX}{{12}}[1-8]{_HEX}{{3}}[89ab]{_HEX}{{15}}$"
)
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A top-level domain has letters alone, or is one of another script in its ASCII form (RFC 5890).
_TOP = "(?:[a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])"
EMAIL = rf"(?i)^[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@(?:{_LABEL}\.)+{_TOP}$"
URL = (
    r"(?i)^(?:https?|ftps?|sftp|s3a?|gs|hdfs|file|ssh|git|wss?|abfss?|az)://[^\s/?#]*[^\s]+$"
    rf"|^www\.(?:{_LABEL}\.)+{_TOP}(?:[/?#:]\S*)?$"
)
_DECIMAL = r"^[^\w\s]?[-+]?\d[\d.,']*[.,]\d+\s?[A-Za-z%€$£]{0,4}\.?$"

AMOUNT = r"^[^\w\s]?[-+]?(?:0|[1-9][\d,']*|0?\.\d+)(?:[.,]\d+)?\s?(?:%|[A-Za-z]{1,6}\.?)?$"
"""A number, perhaps with a currency before it or a unit behind it; no leading zeros."""

SCRIPTS = (
    *("Latin", "Cyrillic", "Greek", "Han", "Hiragana", "Katakana", "Hangul", "Arabic", "Hebrew"),
    *("Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Georgian", "Armenian", "Ethiopic"),
)
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]"

WORDS = {
    "English": "the of and to in is that for it was with as be this are from at by have not an",
    "German": "der die und das von ist nicht ein eine den mit zu auf für dem des auch sich als",  # codespell:ignore
    "French": "le la les des et un une du que est pour dans qui sur pas au ce avec il sont",
    "Spanish": "el la los las de y que en un una es por con para del se lo como más su",
    "Italian": "il la di che e un una per non sono del della con le gli nel alla si da",
    "Portuguese": "o a os as de e que em um uma do da não para com por no na dos se",
    "Dutch": "de het een en van is dat op te zijn met voor niet aan er om ook als maar",  # codespell:ignore
}
"""Words that hold sentences together, of the languages written in Latin letters."""

_GLUE = (
    r"(?i)(?:^|[^\p{L}\p{N}'’-])(?:"
    + "|".join(sorted({w for text in WORDS.values() for w in text.split() if len(w) > 1}))
    + r")(?:[^\p{L}\p{N}'’-]|$)"
)


def fits(texts: pl.Series, pattern: str) -> Mask:
    """Return which texts match a pattern, without white space around them."""
    return texts.str.strip_chars().str.contains(pattern).to_numpy()


def language_fits(texts: pl.Series) -> tuple[Mask, Mask]:
    """Return which texts are written like language, and which have words that show it.

    Returns
    -------
    written, shown : ndarray of bool
        The second of texts in other scripts than Latin is the first.
    """
    frame = texts.str.replace_all(r"\s+", " ").str.strip_chars().to_frame("text").lazy()
    text = pl.col("text")
    letters, lower = text.str.count_matches(r"\p{L}"), text.str.count_matches(r"(?:^|\s)\p{Ll}")
    spaced = text.str.split(" ").list.len()
    table = frame.select(
        words=_words(text),
        letters=letters,
        lower=lower,
        tokens=spaced,
        latin=text.str.count_matches(r"\p{Latin}"),
        hangul=text.str.count_matches(r"\p{Hangul}"),
        unspaced=text.str.count_matches(_UNSPACED),
        glue=text.str.contains(_GLUE),
    ).collect()
    part = {name: table[name].to_numpy() for name in table.columns}
    count = np.maximum(part["words"], 1)
    length = part["letters"] / count
    latin = part["latin"] >= 0.5 * part["letters"]
    shortest = np.where(part["hangul"] >= 0.5 * part["letters"], 1.5, 2.5)
    shaped = (part["words"] >= 3) & (length >= shortest) & (length <= 8)
    shaped &= part["words"] >= 0.6 * part["tokens"]
    glued = part["glue"] | (part["lower"] >= 0.4 * part["words"])
    unspaced = (part["unspaced"] >= 10) & (part["unspaced"] >= 0.5 * part["letters"])
    written = unspaced | (shaped & (glued | ~latin))
    return written, written & (part["glue"] | ~latin)


def _words(text: pl.Expr) -> pl.Expr:
    plain = pl.element().str.contains(r"^[^\p{L}\p{N}]*\p{L}[\p{L}'’-]*[^\p{L}\p{N}]*$")
    return text.str.split(" ").list.eval(plain).list.sum()


def language_details(texts: pl.Series, counts: Counts) -> dict[str, Any]:
    """Return the mean numbers of words and letters, the scripts and the language of texts."""
    words = texts.str.extract_all(r"[\p{L}\p{N}][\p{L}\p{N}'’-]*")
    number = words.list.len().to_numpy().astype(np.int64)
    lengths = words.list.eval(pl.element().str.len_chars()).list.sum().to_numpy()
    rows = int(counts.sum())
    every = int((number * counts).sum())
    found: dict[str, Any] = {
        "mean_words": every / rows,
        "mean_word_length": int((lengths * counts).sum()) / max(every, 1),
        "scripts": scripts(texts, counts),
    }
    language = language_of(texts)
    if language is not None:
        found["language"] = language
    return found


def scripts(texts: pl.Series, counts: Counts) -> dict[str, float]:
    """Return the share of the letters that each script has; those under 0.1 % are left out."""
    found = {
        script: int(
            (texts.str.count_matches(rf"\p{{{script}}}").to_numpy().astype(np.int64) * counts).sum()
        )
        for script in SCRIPTS
    }
    total = sum(found.values())
    shares = {script: n / total for script, n in found.items() if n > 0.001 * total}
    return dict(sorted(shares.items(), key=lambda pair: (-pair[1], pair[0])))


def language_of(texts: pl.Series) -> str | None:
    """Return the language whose small words are in most texts, or None if no other is far behind.

    The winner is in at least 30 % of the texts, and in 1.3 times as many as the next.
    """
    words = texts.str.to_lowercase().str.extract_all(r"\p{L}+")
    scores = {}
    for language, known in WORDS.items():
        own = words.list.set_intersection(known.split()).list.len()
        scores[language] = int(own.sum())
    first, second = sorted(scores, key=lambda one: (-scores[one], one))[:2]
    clear = scores[first] >= 0.3 * len(texts) and scores[first] >= 1.3 * scores[second]
    return first if clear else None


def url_details(texts: pl.Series, counts: Counts) -> dict[str, Any]:
    """Return the schemes and the most frequent hosts of addresses."""
    low = texts.str.strip_chars()
    scheme = low.str.extract(r"^(\w+)://").str.to_lowercase().fill_null("")
    host = low.str.extract(r"(?i)^(?:\w+://)?(?:[^@/]*@)?([^/?#:]*)").str.to_lowercase()
    return {"schemes": top(scheme, counts), "hosts": top(host.fill_null(""), counts)}


def email_details(texts: pl.Series, counts: Counts) -> dict[str, Any]:
    """Return the most frequent domains of addresses."""
    return {"domains": top(texts.str.extract(r"@(.*)$").str.to_lowercase(), counts)}


def uuid_details(texts: pl.Series, counts: Counts) -> dict[str, Any]:
    """Return how often each version of RFC 9562 occurs."""
    plain = texts.str.replace_all(r"^urn:uuid:|[{}-]", "").str.to_lowercase()
    return {"versions": top(plain.str.slice(12, 1), counts)}


def top(texts: pl.Series, counts: Counts, most: int = 5) -> dict[str, int]:
    """Return the most frequent texts with their counts; ties in their order."""
    table = pl.DataFrame({"text": texts, "count": counts}).drop_nulls()
    table = table.group_by("text").agg(pl.col("count").sum())
    table = table.sort(["count", "text"], descending=[True, False]).head(most)
    return {str(text): int(count) for text, count in table.rows()}


def key_fits(texts: pl.Series) -> Mask:
    """Return which texts could be keys: no spaces, with a digit, no decimal number."""
    frame = texts.str.strip_chars().to_frame("text")
    text = pl.col("text")
    fit = text.str.contains(r"^\S{2,64}$") & text.str.contains(r"\d")
    return frame.select(fit & ~text.str.contains(_DECIMAL)).to_series().to_numpy()


def whole_numbers(texts: pl.Series) -> pl.Series:
    """Return texts as whole numbers; null where one is none or would lose leading zeros."""
    plain = texts.str.strip_chars()
    clean = pl.select(pl.when(plain.str.contains(r"^(?:0|[1-9]\d{0,18})$")).then(plain)).to_series()
    return clean.cast(pl.Int64, strict=False)
