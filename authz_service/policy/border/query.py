"""The guarded event loop of one rule's run: every door of oso's is either guarded or shut."""

from __future__ import annotations

from typing import NoReturn

from polar.query import Query

from authz_service.policy.border.host import NoComparison, Refused, Term


class GuardedQuery(Query):
    """One rule's run, with every door of oso's event loop either guarded or shut."""

    def handle_external_call(self, data: Term) -> None:
        """Read a fact."""
        answer = self.host.read(data["instance"], data["attribute"], data["args"])
        self.ffi_query.call_result(data["call_id"], answer)

    def handle_external_op(self, data: Term) -> None:
        """Compare two values, and note the outcome."""
        operator, terms = data["operator"], data["args"]
        values = [self.host.to_python(term) for term in terms]
        try:
            answer = self.host.operator(operator, values)
        except NoComparison as error:
            self.host.observe(operator, terms, str(error))
            raise
        self.host.observe(operator, terms, answer)
        self.ffi_query.question_result(data["call_id"], answer)

    def handle_make_external(self, data: Term) -> NoReturn:
        """Refuse ``new``."""
        raise Refused("new", "makes an object with `new`")

    def handle_next_external(self, data: Term) -> NoReturn:
        """Refuse to walk through a Python object."""
        raise Refused("iteration", "walks through a fact with `in`")

    def handle_debug(self, data: Term) -> NoReturn:
        """Refuse ``debug``, which would wait for a person at the server's terminal."""
        raise Refused("debug", "stops for `debug`")

    def handle_external_isa_with_path(self, data: Term) -> NoReturn:
        """Refuse a question that only oso's data filtering asks."""
        raise Refused("data-filtering", "asks for the class behind a path")

    def handle_external_is_subspecializer(self, data: Term) -> NoReturn:
        """Refuse to rank classes: those of the vocabulary have no order."""
        raise Refused("ranking", "ranks two classes")

    def handle_external_is_subclass(self, data: Term) -> NoReturn:
        """Refuse to compare classes: those of the vocabulary have no order."""
        raise Refused("ranking", "compares two classes")
