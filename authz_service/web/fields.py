"""
Fields of request bodies: what they accept is exactly what they say, and nothing is converted.

marshmallow's own fields take "1" for 1 and 1 for true; AuthZEN wants a 400 for each. Its
messages are replaced as well: a message says what a member should be, never what it was.
Each field carries its JSON Schema, of which the published contract is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, Login, parse_company
from authz_service.domain.processes import parse_version
from authz_service.web import shapes
from authz_service.web.shapes import Shape

Value = TypeVar("Value")

UNLESS = "x-unless"
"""In a field's metadata: the header that makes a required member one that may be absent."""

_DIGITS = re.compile(r"0|[1-9][0-9]{0,8}")
_DAY = re.compile(shapes.DAY)
_HANDLE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INSTANT = re.compile(shapes.INSTANT)
_VERSION = re.compile(shapes.VERSION)


class BodyInvalid(InvalidInput):
    """
    A body with one or more members that cannot be read.

    Attributes:
        errors: the dotted name and what is wrong, for each, in the order of the schema.
    """

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors = tuple(errors)
        super().__init__(*self.errors[0])


class Body(Schema):
    """
    A JSON object whose unknown members are ignored (AuthZEN 1.0, 10.1.1).

    Attributes:
        moreover: what holds between its members, as keywords of JSON Schema; the view checks it.
    """

    error_messages = {"type": "must be an object"}  # noqa: RUF012 -- marshmallow's own form
    moreover: ClassVar[Shape] = {}

    class Meta:
        """Holds for every schema that is derived from this one."""

        unknown = EXCLUDE

    def read(
        self, data: Mapping[str, Any], inside: str = "", optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """
        Give the members of *data* that this schema knows.

        Args:
            data: the object as it was sent.
            inside: the dotted name of the member that *data* is, empty for the whole body.
            optional: required members that may be absent this time.

        Raises:
            BodyInvalid: members are missing or of the wrong kind; names all of them.
        """
        try:
            known: dict[str, Any] = self.load(data, partial=tuple(optional))
        except ValidationError as error:
            raise BodyInvalid(_flat(error.messages, inside)) from None
        return known


def _messages(wanted: str) -> dict[str, str | list[Any] | dict[Any, Any]]:
    """Replace what marshmallow says of a member that is absent, null or of another kind."""
    return {"required": "is required", "null": wanted, "invalid": wanted}


def _flat(messages: dict[Any, Any] | list[Any], field: str) -> Iterator[tuple[str, str]]:
    """Give marshmallow's nested messages as pairs of dotted name and message."""
    if isinstance(messages, list):
        yield from ((field, str(message)) for message in messages)
        return
    for name, inner in messages.items():
        # marshmallow's name for the object itself.
        step = "" if name == "_schema" else str(name)
        yield from _flat(inner, ".".join(part for part in (field, step) if part))


class Part(fields.Nested):
    """An object inside the body."""

    def __init__(self, body: type[Body], **options: Any) -> None:
        super().__init__(body, error_messages=_messages("must be an object"), **options)


class Text(fields.String):
    """A string, of at most *longest* characters if that is given, one of *choices* if they are."""

    def __init__(
        self, *, longest: int | None = None, choices: Collection[str] = (), **options: Any
    ) -> None:
        checks: list[validate.Validator] = []
        if longest is not None:
            checks.append(validate.Length(max=longest, error="must have at most {max} characters"))
        if choices:
            checks.append(validate.OneOf(choices, error=f"must be one of: {', '.join(choices)}"))
        super().__init__(validate=checks, error_messages=_messages("must be a string"), **options)


class Parsed(fields.Field[Value]):
    """
    A member that a parser reads; what the parser says is wrong, is wrong.

    Attributes:
        shape: the JSON Schema of what the parser reads.
        shown: the JSON Schema of what an answer shows.
    """

    def __init__(
        self,
        parse: Callable[[Any], Value],
        *,
        shape: Shape,
        shown: Shape | None = None,
        **options: Any,
    ) -> None:
        super().__init__(error_messages=_messages("must not be null"), **options)
        self._parse = parse
        self.shape = shape
        self.shown = shape if shown is None else shown

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Value:
        try:
            return self._parse(value)
        except InvalidInput as error:
            raise ValidationError(error.message) from None


class Members(Parsed[dict[str, object]]):
    """
    An object with members of any name and kind; null and absent are an empty one.

    Attributes:
        known: describes the members that the service itself reads, for the published contract
            alone; the view reads them.
    """

    def __init__(self, known: type[Body] | None = None, **options: Any) -> None:
        super().__init__(_members, shape=shapes.BAG, allow_none=True, load_default=dict, **options)
        self.known = known

    def deserialize(self, value: Any, *rest: Any, **options: Any) -> Any:
        """Take null as absent (AuthZEN 1.0, 11.5)."""
        return super().deserialize({} if value is None else value, *rest, **options)


def cpf(**options: Any) -> Parsed[Cpf]:
    """Describe a member that has to be a CPF."""
    return Parsed(Cpf.parse, shape=shapes.CPF_ASKED, shown=shapes.CPF_SHOWN, **options)


def cnpj(**options: Any) -> Parsed[Cnpj]:
    """Describe a member that has to be a CNPJ."""
    return Parsed(Cnpj.parse, shape=shapes.CNPJ_ASKED, shown=shapes.CNPJ_SHOWN, **options)


def flag(**options: Any) -> Parsed[bool]:
    """Describe a member that is exactly true or false."""
    return Parsed(_flag, shape=shapes.FLAG, **options)


def whole(least: int, most: int, *, written: bool = False, **options: Any) -> Parsed[int]:
    """Describe a whole number from *least* to *most*; a text of digits if it is *written*."""

    def read(value: object) -> int:
        if written and isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            raise InvalidInput("number", f"must be a whole number from {least} to {most}")
        return value

    return Parsed(read, shape=shapes.whole(least, most), **options)


def company(**options: Any) -> Parsed[CompanyId]:
    """Describe a member that has to be a CNPJ, or the number of a foreign company."""
    return Parsed(parse_company, shape=shapes.COMPANY_ASKED, shown=shapes.COMPANY_SHOWN, **options)


def login(**options: Any) -> Parsed[Login]:
    """Describe a member that has to be a login of Orquestra."""
    return Parsed(_login, shape=shapes.LOGIN, **options)


def version(*, blank: bool = False, **options: Any) -> Parsed[int | None]:
    """
    Describe a process's version: 3, "3" or "v.3"; null and absent are none if not required.

    So is an empty text where it may be *blank*, as what was not filled into a form.
    """
    if not options.get("required"):
        options = {"allow_none": True, "load_default": None, **options}
    shape = shapes.VERSION_OR_BLANK if blank else shapes.VERSION_ASKED

    def read(value: object) -> int | None:
        return None if blank and value == "" else version_of(value)

    return Parsed(read, shape=shape, shown=shapes.VERSION_SHOWN, **options)


def handle() -> Parsed[str | None]:
    """Describe a member with a sign-in's handle; null, absent and a text that can be none: None."""
    return Parsed(handle_of, shape=shapes.HANDLE, allow_none=True, load_default=None)


def day(**options: Any) -> Parsed[date]:
    """Describe a civil day: "2099-12-31"."""
    return Parsed(_day, shape=shapes.DAY_ASKED, **options)


def instant(**options: Any) -> Parsed[datetime]:
    """Describe an instant with its zone, given in UTC: "2099-12-31T23:59:59-03:00"."""
    return Parsed(_instant, shape=shapes.INSTANT_ASKED, shown=shapes.INSTANT_SHOWN, **options)


def _members(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidInput("members", "must be an object")
    return dict(value)


def _login(value: object) -> Login:
    # Before the parser normalises it: the published length is that of the text that is sent.
    if isinstance(value, str) and len(value) > shapes.LONGEST_LOGIN:
        raise InvalidInput("login", f"must have at most {shapes.LONGEST_LOGIN} characters")
    return Login.parse(value)


def version_of(value: object) -> int:
    """Read a process's version that is there; raises ``InvalidInput``."""
    # The parser takes every space of Unicode, which no pattern can list readably.
    if isinstance(value, str) and _VERSION.fullmatch(value) is None:
        raise InvalidInput("version", "must be a whole number, such as 3 or `v.3`")
    return parse_version(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("flag", "must be true or false")
    return value


def handle_of(value: object) -> str | None:
    """Read the handle of a sign-in: None for a text that can be none; raises ``InvalidInput``."""
    if not isinstance(value, str):
        raise InvalidInput("handle", "must be a string")
    # Not every store can look for every text.
    return value if _HANDLE.fullmatch(value) else None


def _day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise InvalidInput("day", "must be a day such as 2099-12-31")


def _instant(value: object) -> datetime:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput("instant", "must be an instant with a zone, such as 2099-12-31T23:59:59Z")


def written(value: date | None) -> str | None:
    """Write a day, or an instant in UTC, as ISO 8601; None stays None."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None if value is None else value.isoformat()
