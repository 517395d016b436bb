"""Subjects of automatic replies that programs send for people who are away.

A phrase counts only at the beginning, where programs put it; a message with the phrase after "Re:" answers an automatic
reply.
"""

import re
import unicodedata

# Phrases of Exchange, Outlook, Gmail, Notes and common webmails, by language. They are compared without case and accents.
PHRASES = {
    "en": (
        "automatic reply",
        "automatic response",
        "automated reply",
        "automated response",
        "auto reply",
        "auto-reply",
        "autoreply",
        "auto response",
        "auto-response",
        "autoresponse",
        "out of office",
        "out-of-office",
        "out of the office",
        "out of office reply",
        "out of office autoreply",
        "vacation reply",
        "vacation response",
    ),
    "de": (
        "automatische antwort",
        "automatische rückantwort",
        "automatische abwesenheitsnotiz",
        "abwesenheitsnotiz",
        "abwesenheitsnachricht",
        "abwesenheitsmeldung",
        "abwesenheitsbenachrichtigung",
        "abwesenheitsassistent",
    ),
    "fr": (
        "réponse automatique",
        "réponse automatique d'absence",
        "message automatique d'absence",
        "message d'absence",
        "absence du bureau",
        "absent du bureau",
        "absente du bureau",
    ),
    "es": ("respuesta automática", "autorespuesta", "fuera de oficina", "fuera de la oficina"),
    "ca": ("resposta automàtica",),
    "gl": ("resposta automática",),
    "it": ("risposta automatica", "fuori ufficio"),
    "pt": ("resposta automática", "fora do escritório", "ausência temporária"),
    "nl": ("automatisch antwoord", "automatische reactie", "afwezigheidsbericht", "afwezigheidsmelding"),
    "sv": ("automatiskt svar", "autosvar", "frånvaromeddelande"),
    "da": ("automatisk svar", "autosvar", "fraværsmeddelelse", "fraværsbesked"),
    "nb": ("automatisk svar", "autosvar", "fraværsmelding"),
    "fi": ("automaattinen vastaus", "poissaoloviesti", "poissaoloilmoitus"),
    "is": ("sjálfvirkt svar",),
    "pl": ("odpowiedź automatyczna", "automatyczna odpowiedź", "autoodpowiedź"),
    "cs": ("automatická odpověď", "mimo kancelář"),
    "sk": ("automatická odpoveď", "mimo kancelárie"),
    "hu": ("automatikus válasz", "házon kívül"),
    "ro": ("răspuns automat",),
    "hr": ("automatski odgovor",),
    "sl": ("samodejni odgovor", "avtomatski odgovor"),
    "et": ("automaatvastus",),
    "lv": ("automātiska atbilde", "automātiskā atbilde"),
    "lt": ("automatinis atsakymas",),
    "ru": ("автоматический ответ", "автоответ", "вне офиса"),
    "uk": ("автоматична відповідь", "автовідповідь"),
    "bg": ("автоматичен отговор",),
    "sr": ("аутоматски одговор",),
    "tr": ("otomatik yanıt", "otomatik cevap", "ofis dışında"),
    "el": ("αυτόματη απάντηση", "εκτός γραφείου"),
    "he": ("תשובה אוטומטית", "מענה אוטומטי"),
    "ar": ("رد تلقائي", "الرد التلقائي"),
    "fa": ("پاسخ خودکار",),
    "ja": ("自動応答", "自動返信", "不在通知"),
    "zh": ("自动答复", "自动回复", "自動回覆", "自動答覆", "外出自动回复"),
    "ko": ("자동 회신", "자동 응답", "자동회신", "자동응답", "부재 중 자동 회신"),
    "vi": ("trả lời tự động", "thư trả lời tự động"),
    "th": ("ตอบกลับอัตโนมัติ", "การตอบกลับอัตโนมัติ"),
    "id": ("balasan otomatis",),
    "ms": ("balasan automatik",),
}
# Phrases that people's messages also have, such as offers of holidays. They count only together with another sign.
LOOSE_PHRASES = (
    "away from my mail",
    "away from the office",
    "i am away",
    "i am out of",
    "on vacation",
    "on holiday",
    "on leave",
    "abwesend",
    "abwesenheit",
    "im urlaub",
    "nicht im büro",
    "absence",
    "absent",
    "en congé",
    "en vacances",
    "ausente",
    "de vacaciones",
    "assente",
    "fuori sede",
    "in ferie",
    "afwezig",
    "frånvaro",
    "fravær",
    "ikke til stede",
    "poissa",
    "nieobecny",
    "nieobecność",
    "nepřítomnost",
    "szabadság",
    "不在",
    "外出",
    "부재",
)

# The typographic apostrophe is read as that of keyboards, and the Turkish i without a dot as i.
_EQUIVALENT = str.maketrans("\u2019ı", "'i")


def fold(text: str) -> str:
    """Return a text without case, accents and full width, which mail programs do not always keep."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if unicodedata.category(char) != "Mn").translate(_EQUIVALENT)


def _any_of(phrases) -> str:
    # the longest phrase comes first, since "out of office autoreply" begins with "out of office"
    return "|".join(re.escape(phrase) for phrase in sorted(set(map(fold, phrases)), key=len, reverse=True))


_EVERY_PHRASE = [phrase for phrases in PHRASES.values() for phrase in phrases]
# Mail filters put their results first: [EXTERNAL], [SPAM?]
_TAGS = r"(?:\[[^\[\]]{1,40}\]\s*){0,3}"
# Notes: "AUTO: John Doe is out of the office (returning 12/02/2026)"
_NOTES = r"auto: .{1,100}(?:\bis out of (?:the )?office\b|\bist au(?:ss)er haus\b|\(returning |\(ruckkehr am )"
_PREFIX = re.compile(rf"{_TAGS}(?:(?:{_any_of(_EVERY_PHRASE)})\s*:|[\[(【](?:{_any_of(_EVERY_PHRASE)})[\])】])\s*")
_FIXED = re.compile(rf"{_PREFIX.pattern}|{_TAGS}{_NOTES}")
_LOOSE = re.compile(rf"{_TAGS}(?:(?:{_any_of([*_EVERY_PHRASE, *LOOSE_PHRASES])})(?!\w)|auto:)")


def is_fixed(subject: str) -> bool:
    """Whether only a program writes such a subject: a phrase with a colon after it, or in brackets.

    :param subject: decoded, on one line
    """
    return bool(_FIXED.match(fold(subject.strip())))


def is_loose(subject: str) -> bool:
    """Whether a program may have written such a subject: "Out of office", but also "Out of office party"."""
    folded = fold(subject.strip())
    return bool(_FIXED.match(folded) or _LOOSE.match(folded))


def without_phrase(folded_subject: str) -> str:
    """Return a subject without the phrase of a program at its beginning, if there is one.

    :param folded_subject: a subject that :func:`fold` returned
    """
    found = _PREFIX.match(folded_subject)
    return folded_subject[found.end() :] if found else folded_subject
