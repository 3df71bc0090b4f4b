"""
CPF, CNPJ, logins and other ids as values: parsed once at the door, right from then on.

Rules: CPF, modulo 11 over digits; CNPJ, modulo 11 over ``ASCII code - 48``, which
is the alphanumeric form of IN RFB 2.229/2024 (Anexo XV of IN RFB 2.119/2022), in
force since July 2026, and gives the old numeric form the same digits as before.

A CPF is personal data (LGPD art. 5, I). ``repr`` and ``str`` show it masked, as
the federal budget law prescribes (first three digits and check digits hidden);
who needs the digits writes ``.digits`` and can be found by that word.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from authz_service.domain.errors import InvalidInput

# `[0-9]`, never `\d`: the latter also matches Arabic-Indic and other Unicode digits.
_CPF = re.compile(r"([0-9]{3})\.?([0-9]{3})\.?([0-9]{3})-?([0-9]{2})")
_CNPJ = re.compile(r"([0-9A-Z]{2})\.?([0-9A-Z]{3})\.?([0-9A-Z]{3})/?([0-9A-Z]{4})-?([0-9]{2})")
_PROCESS_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_FOREIGN_ID = re.compile(r"EX-?([0-9]{7})-?([0-9])")
_LONGEST_LOGIN = 128
_SPACE = " \t\r\n"

# What may be a CPF in a text: its four groups, or their mask, with up to three signs between
# them. `\d` on purpose, here alone: a number that people can read is a number.
_CPF_IN_TEXT = re.compile(
    r"(?<!\d)(?:\d{3}|\*{3})[\W_]{0,3}?\d{3}[\W_]{0,3}?\d{3}[\W_]{0,3}?(?:\d{2}|\*{2})(?!\d)"
)
# As people and systems write it, whether its check digits are right or not.
_USUAL_CPF = re.compile(r"(?:\d{3}|\*{3})\.?\d{3}\.?\d{3}-?(?:\d{2}|\*{2})")
# A random id or a digest, in which eleven digits in a row are nobody's.
_HEXADECIMAL = re.compile(r"[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _check_digit(text: str, first_weight: int, *, highest: int) -> int:
    """
    Give one modulo 11 check digit.

    The weights fall from *first_weight* to 2 and start again at *highest*.
    """
    total, weight = 0, first_weight
    for character in text:
        total += (ord(character) - 48) * weight
        weight = weight - 1 if weight > 2 else highest
    rest = total % 11
    return 0 if rest < 2 else 11 - rest


def _text(value: object, field: str) -> str:
    """Give *value* without the spaces around it; anything but ASCII text is refused."""
    if not isinstance(value, str):
        raise InvalidInput(field, "must be a string")
    text = value.strip(_SPACE)
    # Before `upper`: it turns other letters into ASCII ones, as it does with the dotless i.
    if not text.isascii():
        raise InvalidInput(field, "must hold ASCII characters only")
    return text


@dataclass(frozen=True, slots=True, repr=False, order=True)
class Cpf:
    """
    The number of a natural person (Cadastro de Pessoas Físicas).

    Attributes:
        digits: the eleven digits, without punctuation. Personal data: no log, no URL.
    """

    digits: str

    @classmethod
    def parse(cls, value: object, field: str = "cpf") -> Cpf:
        """
        Read a CPF, raw or with its punctuation.

        Raises:
            InvalidInput: not a string, not eleven digits, all digits equal (these pass
                modulo 11 and are never issued), or wrong check digits. Names *field*.
        """
        match = _CPF.fullmatch(_text(value, field))
        if match is None:
            raise InvalidInput(field, "must be a CPF of eleven digits")
        digits = "".join(match.groups())
        if len(set(digits)) == 1:
            raise InvalidInput(field, "must be a CPF, not one digit repeated")
        first = _check_digit(digits[:9], 10, highest=11)
        if digits[9] != str(first):
            raise InvalidInput(field, "must be a CPF with valid check digits")
        second = _check_digit(digits[:10], 11, highest=11)
        if digits[10] != str(second):
            raise InvalidInput(field, "must be a CPF with valid check digits")
        return cls(digits)

    @property
    def masked(self) -> str:
        """The form that may be shown to people: ``***.456.789-**``."""
        return f"***.{self.digits[3:6]}.{self.digits[6:9]}-**"

    def __repr__(self) -> str:
        return f"Cpf({self.masked})"

    def __str__(self) -> str:
        return self.masked


ERASED = Cpf("00000000000")
"""Stands in a history for a person who was erased; no CPF is issued with equal digits."""


@dataclass(frozen=True, slots=True, repr=False, order=True)
class Cnpj:
    """
    The number of a company's establishment (Cadastro Nacional da Pessoa Jurídica).

    Matriz and filial are told apart by a recorded bond, never by the four
    characters of the order: alphanumeric numbers make no promise about them.

    Attributes:
        value: the fourteen characters, upper case, without punctuation. Public data.
    """

    value: str

    @classmethod
    def parse(cls, value: object, field: str = "cnpj") -> Cnpj:
        """
        Read a CNPJ, numeric or alphanumeric, raw or with its punctuation, in any case.

        Raises:
            InvalidInput: not a string, not fourteen characters of the right kind, all
                characters equal (fourteen zeros pass modulo 11), or wrong check digits.
        """
        match = _CNPJ.fullmatch(_text(value, field).upper())
        if match is None:
            raise InvalidInput(field, "must be a CNPJ of fourteen characters")
        text = "".join(match.groups())
        if len(set(text)) == 1:
            raise InvalidInput(field, "must be a CNPJ, not one character repeated")
        first = _check_digit(text[:12], 5, highest=9)
        if text[12] != str(first):
            raise InvalidInput(field, "must be a CNPJ with valid check digits")
        second = _check_digit(text[:13], 6, highest=9)
        if text[13] != str(second):
            raise InvalidInput(field, "must be a CNPJ with valid check digits")
        return cls(text)

    @property
    def root(self) -> str:
        """The eight characters that matriz and filiais of one company share (raiz)."""
        return self.value[:8]

    @property
    def formatted(self) -> str:
        """The usual written form: ``52.420.282/0001-80``."""
        raw = self.value
        return f"{raw[:2]}.{raw[2:5]}.{raw[5:8]}/{raw[8:12]}-{raw[12:]}"

    def __repr__(self) -> str:
        return f"Cnpj({self.value})"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, repr=False, order=True)
class ProcessId:
    """
    The service's own name of a process, because Inmetro's codes are not unique.

    Attributes:
        value: lower-case letters, digits and hyphens, 1 to 64 of them, such as ``p061-registro``.
    """

    value: str

    @classmethod
    def parse(cls, value: object, field: str = "id") -> ProcessId:
        """
        Read a process id.

        Raises:
            InvalidInput: not a string of the described form.
        """
        text = _text(value, field)
        if _PROCESS_ID.fullmatch(text) is None:
            raise InvalidInput(field, "must be 1 to 64 lower-case letters, digits or inner hyphens")
        return cls(text)

    def __repr__(self) -> str:
        return f"ProcessId({self.value})"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, repr=False, order=True)
class ForeignId:
    """
    The service's own number of a foreign company without legal representation in Brazil.

    Such a company (Estrangeiro) has no CNPJ. The number is made when Inmetro's team registers
    the company: seven random digits and a check digit, so that one mistyped digit is nobody's.

    Attributes:
        value: ``EX`` and the eight digits, without punctuation. Public data.
    """

    value: str

    @classmethod
    def parse(cls, value: object, field: str = "empresa") -> ForeignId:
        """
        Read a foreign company's number, raw or with its hyphens, in any case.

        Raises:
            InvalidInput: not a string, of another form, or a wrong check digit.
        """
        match = _FOREIGN_ID.fullmatch(_text(value, field).upper())
        if match is None:
            raise InvalidInput(field, "must be a foreign company's number, such as EX-0000123-0")
        made = cls.of_number(int(match[1]))
        if made.value != f"EX{match[1]}{match[2]}":
            raise InvalidInput(field, "must be a number with a valid check digit")
        return made

    @classmethod
    def of_number(cls, number: int) -> ForeignId:
        """Make the id of *number*, 0 to 9,999,999: the check digit is Luhn's (ISO/IEC 7812-1)."""
        digits = f"{number:07}"
        total = 0
        for position, one in enumerate(reversed(digits)):
            doubled = int(one) * (2 if position % 2 == 0 else 1)
            total += doubled // 10 + doubled % 10
        return cls(f"EX{digits}{-total % 10}")

    @property
    def formatted(self) -> str:
        """The form for people: ``EX-0000123-0``."""
        return f"EX-{self.value[2:9]}-{self.value[9]}"

    def __repr__(self) -> str:
        return f"ForeignId({self.value})"

    def __str__(self) -> str:
        return self.value


CompanyId = Cnpj | ForeignId
"""What names a company: one of both, never both."""


def parse_company(value: object, field: str = "company") -> CompanyId:
    """
    Read a company's number of either kind; the two look different, so neither is guessed.

    Raises:
        InvalidInput: it is none of the two. Names *field*.
    """
    text = _text(value, field)
    if text[:2].upper() == "EX" and len(text) <= 12:
        return ForeignId.parse(text, field)
    return Cnpj.parse(text, field)


@dataclass(frozen=True, slots=True, repr=False, order=True)
class Login:
    """
    The name by which Orquestra knows the representative of a foreign company.

    Attributes:
        value: compared byte for byte, as Orquestra sends it. Personal data, as a CPF is.
    """

    value: str

    @classmethod
    def parse(cls, value: object, field: str = "login") -> Login:
        """
        Read a login.

        Raises:
            InvalidInput: not a string, empty, longer than 128 characters, with spaces around
                it or signs that cannot be seen, or with a CPF in it: who has a CPF signs in
                at GOV.BR.
        """
        if not isinstance(value, str):
            raise InvalidInput(field, "must be a string")
        text = unicodedata.normalize("NFC", value)
        if not text or len(text) > _LONGEST_LOGIN or not text.isprintable() or text != text.strip():
            raise InvalidInput(field, "must be 1 to 128 visible characters, no spaces around them")
        if without_cpf(text) != text:
            raise InvalidInput(field, "must not hold a CPF")
        return cls(text)

    def __repr__(self) -> str:
        return "Login(***)"

    def __str__(self) -> str:
        return "***"


def without_cpf(text: str) -> str:
    """
    Give *text* with whatever looks like a CPF, masked or not, replaced by ``[cpf]``.

    A valid CPF is taken out wherever it stands and however it is written; what only has
    the form of one, because it may be mistyped, if no letter stands beside it. Random
    hexadecimal ids are left alone, and so are longer numbers, such as a CNPJ.
    """
    ids = [match.span() for match in _HEXADECIMAL.finditer(text)]

    def hidden(match: re.Match[str]) -> str:
        start, end = match.span()
        # It can lie only in the last id that begins no later: a walk over all, for each match,
        # would let one long text hold the service up.
        before = bisect_right(ids, (start, len(text)))
        if before and end <= ids[before - 1][1]:
            return match[0]
        around = text[max(start - 1, 0) : start] + text[end : end + 1]
        alone = not any(one.isalnum() for one in around)
        if (alone and _USUAL_CPF.fullmatch(match[0])) or _is_cpf(match[0]):
            return "[cpf]"
        return match[0]

    return _CPF_IN_TEXT.sub(hidden, text)


def _is_cpf(text: str) -> bool:
    """Tell whether the digits of *text*, in whatever script, are a CPF; a masked one is."""
    if "*" in text:
        return True
    try:
        Cpf.parse("".join(str(unicodedata.digit(one)) for one in text if one.isdigit()))
    except InvalidInput:
        return False
    return True
