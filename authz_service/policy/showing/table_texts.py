"""The fixed words of decision tables, in Portuguese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PORTUGUESE = {
    "lang": "pt-BR",
    "row": "nº",
    "title": "A política em tabelas",
    "digest": "Versão da política",
    "made": "Gerado em",
    "how": "Estas tabelas foram geradas a partir das regras, percorridas até o fim. "
    "Cada linha vale quando valem todas as suas células; «—» quer dizer que tanto faz. "
    "Uma linha sobre algo que não existe, como o destinatário onde não há nenhum, não vale. "
    "O que nega vem antes do que permite; o que nenhuma linha permite, e o que não está em tabela "
    "alguma, é negado. "
    "O texto de um motivo pode ser outro para uma empresa estrangeira.",
    "never": "O que nunca é permitido",
    "why never": "Aqui nada é permitido; as linhas dizem com que motivo se nega.",
    "facts": "Os fatos",
    "fact": "fato",
    "path": "nas regras",
    "meaning": "o que é",
    "words": "palavras",
    "answer": "resposta",
    "reason": "motivo",
    "rule": "regra",
    "error": "erro: negado",
    "denied": "negado",
    "allowed": "permitido",
    "0": "Regras que não podem ser respondidas: negado a todos",
    "1": "O que nega, mesmo que outra regra permita",
    "2": "O que permite",
    "else": "qualquer outro caso",
    "unexplored": "Esta tabela está incompleta: não foi possível percorrer até o fim",
    "any": "Qualquer ação",
    "action": "Ação",
    "and": "e",
    "or": "ou",
    "true": "sim",
    "false": "não",
    "there": "há",
    "nil": "não há",
    "unasserted": "não informado",
    "opaque": "outro valor",
    "incomparable": "não comparável com",
    "masked": "oculto",
    "two": "comparações",
    "open": "Abrir um processo",
    "delegate": "Delegar um processo",
    "revoke": "Revogar uma delegação",
    "renounce": "Renunciar a uma delegação",
    "read_delegations": "Consultar as delegações",
    "other": "Qualquer outra ação",
    "Person": "pessoa",
    "Login": "login de empresa estrangeira",
    "Subject": "sujeito de outro serviço",
    "Process": "processo",
    "Company": "empresa",
    "Resource": "recurso de outro serviço",
    "on": "sobre",
}
_ENGLISH = {
    "lang": "en",
    "row": "no.",
    "title": "The policy as tables",
    "digest": "Version of the policy",
    "made": "Made at",
    "how": "These tables were made of the rules, followed to their ends. "
    "A row holds where all of its cells do; “—” means that it does not matter. A row about what "
    "is not there, such as the recipient where there is none, does not hold. "
    "What denies goes before what allows; what no row allows, and what stands in no table, is "
    "denied. "
    "The text of a reason may be another for a foreign company.",
    "never": "What is never allowed",
    "why never": "Nothing is allowed here; the rows say for which reason it is denied.",
    "facts": "The facts",
    "fact": "fact",
    "path": "in rules",
    "meaning": "what it is",
    "words": "words",
    "answer": "answer",
    "reason": "reason",
    "rule": "rule",
    "error": "error: denied",
    "denied": "denied",
    "allowed": "allowed",
    "0": "Rules that cannot be answered: denied to everybody",
    "1": "What denies, whatever else allows",
    "2": "What allows",
    "else": "anything else",
    "unexplored": "This table is not complete: these rules could not be followed to their ends",
    "any": "Any action",
    "action": "Action",
    "and": "and",
    "or": "or",
    "true": "yes",
    "false": "no",
    "there": "there is",
    "nil": "there is none",
    "unasserted": "not asserted",
    "opaque": "another value",
    "incomparable": "not comparable with",
    "masked": "hidden",
    "two": "comparisons",
    "open": "Open a process",
    "delegate": "Delegate a process",
    "revoke": "Revoke a delegation",
    "renounce": "Renounce a delegation",
    "read_delegations": "Read delegations",
    "other": "Any other action",
    "Person": "person",
    "Login": "login of a foreign company",
    "Subject": "subject of another service",
    "Process": "process",
    "Company": "company",
    "Resource": "resource of another service",
    "on": "on",
}

TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType({"pt": _PORTUGUESE, "en": _ENGLISH})
"""The words by language, and by what they stand for."""
