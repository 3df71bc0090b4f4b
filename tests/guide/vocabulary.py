"""The vocabulary in Portuguese: what a rule may read, as tables for the guide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from authz_service.policy.kinds import Choice, Entity, Fact, Flag, Link, Members
from authz_service.policy.showing import portuguese
from authz_service.policy.vocabulary import BY_TYPE, VOCABULARY

ENTITIES: Mapping[str, tuple[str, str]] = {
    "Person": ("pessoa", "Quem age, ou quem recebe uma delegação."),
    "Login": (
        "login de empresa estrangeira",
        "Quem age por uma empresa estrangeira: o representante, como o Orquestra o conhece.",
    ),
    "Subject": ("sujeito de outro serviço", "Quem age, de um tipo que pertence a outro serviço."),
    "Standing": ("atuação", "O que uma pessoa ou um login é em uma empresa."),
    "Bond": ("vínculo", "A prova registrada de que a empresa é filial de uma matriz."),
    "Delegation": ("delegação", "O que a empresa delegou a quem age, para o processo."),
    "SignIn": ("entrada no GOV.BR", "A entrada no GOV.BR em que a pessoa age."),
    "Question": ("pergunta", "O que só vale para esta pergunta."),
    "Company": (
        "empresa",
        "Um estabelecimento, matriz ou filial, ou uma empresa estrangeira sem CNPJ.",
    ),
    "Process": ("processo", "Um processo do Orquestra, em nome de uma empresa."),
    "Resource": (
        "recurso de outro serviço",
        "Aquilo sobre que se age, de um tipo que pertence a outro serviço.",
    ),
}
"""What each entity of the vocabulary is called, and what it is."""


def as_markdown() -> str:
    """Give the vocabulary as one table for each entity."""
    return "\n\n".join("\n".join(_table(entity)) for entity in VOCABULARY.values())


def _table(entity: Entity) -> Iterator[str]:
    name, meaning = ENTITIES[entity.name]
    yield f"**{entity.name}** ({name}): {meaning}"
    yield ""
    yield "| fato | em português | o que pode ser | o que quer dizer |"
    yield "|---|---|---|---|"
    for fact, kind in entity.facts.items():
        said = portuguese.FACTS[entity.name][fact]
        yield f"| `{fact}` | {said.name} | {_possible(kind, said)} | {said.meaning} |"


def _possible(fact: Fact, said: portuguese.Named) -> str:
    if isinstance(fact, Flag):
        return "`true` (sim) ou `false` (não)"
    if isinstance(fact, Choice):
        return ", ".join(f'`"{word}"` ({said.words[word]})' for word in sorted(fact.words))
    if isinstance(fact, Link):
        name = BY_TYPE[fact.entity].name
        return f"{name} ({ENTITIES[name][0]})" + (", ou `nil` (não há)" if fact.may_be_nil else "")
    if isinstance(fact, Members):
        return "membros de qualquer nome; o que falta é `nil`"
    return f"por exemplo `{fact.example}`, ou `nil` (não há)"
