"""
The vocabulary in Portuguese, for the readers of tables: its entities, its facts and their words.

Rules are written in the vocabulary's own words. This is beside them for who only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Named:
    """
    A fact in Portuguese.

    Attributes:
        name: what it is called; with the name of what leads to it, it is no other's.
        meaning: what it is, one sentence.
        words: what its words are called, by the words of the vocabulary.
    """

    name: str
    meaning: str
    words: Mapping[str, str] = field(default_factory=dict)


_EVIDENCE = {
    "asserted": "declarada por um sistema",
    "govbr": "GOV.BR",
    "inmetro": "equipe do Inmetro",
    "none": "nenhuma",
}


_FACTS: dict[str, dict[str, Named]] = {
    "Person": {
        "cpf": Named("CPF", "Os onze dígitos, para saber se duas pessoas são a mesma."),
        "registered": Named("cadastro no GOV.BR", "Fez o cadastro pelo GOV.BR."),
        "confirmed": Named("cadastro confirmado", "O Orquestra confirmou o cadastro."),
    },
    "Login": {
        "login": Named("login", "O nome, para saber se dois logins são o mesmo."),
    },
    "Subject": {
        "type": Named("tipo", "O tipo de quem age, nas palavras do serviço a que pertence."),
        "id": Named("identificador", "O nome dentro do tipo; pode ser o de uma pessoa."),
        "properties": Named(
            "propriedades do sujeito",
            "O que se sabe dele. PODE SER AFIRMADO PELO SISTEMA QUE PERGUNTA.",
        ),
    },
    "Standing": {
        "role": Named(
            "papel",
            "O papel que exerce (atuação).",
            {
                "colaborador": "colaborador",
                "contador": "contador",
                "nao_atuante": "não atuante",
                "none": "nenhum",
                "outro": "outro",
                "representante_legal": "representante legal",
                "socio": "sócio",
            },
        ),
        "evidence": Named("prova", "Como se sabe do papel.", _EVIDENCE),
        "in_force": Named("vigente", "Vale no momento da pergunta."),
        "days": Named("dias", "Dias inteiros desde que o papel foi visto ou declarado."),
        "cadastrador": Named(
            "cadastrador",
            "Tem o e-CNPJ da empresa vinculado no GOV.BR e cadastra colaboradores.",
            {"no": "não", "unknown": "não se sabe", "yes": "sim"},
        ),
    },
    "Bond": {
        "recorded": Named("registrado", "O vínculo da filial com a matriz foi comprovado."),
        "in_force": Named("vigente", "O vínculo vale no momento da pergunta."),
        "standing": Named("atuação na matriz", "O que quem age é na matriz."),
    },
    "Delegation": {
        "state": Named(
            "situação",
            "Em que situação está a delegação.",
            {
                "expired": "vencida",
                "in_force": "vigente",
                "none": "nunca concedida",
                "renounced": "renunciada",
                "revoked": "revogada",
            },
        ),
        "version": Named("versão", "A versão mais nova do processo quando foi concedida."),
        "backing": Named(
            "quem respalda a delegação",
            "A melhor atuação na empresa entre quem concedeu e quem confirmou a delegação.",
        ),
        "matriz_backing": Named(
            "quem a respalda na matriz",
            "A melhor atuação na matriz entre quem concedeu e quem confirmou a delegação.",
        ),
    },
    "SignIn": {
        "level": Named(
            "nível da conta",
            "O nível da conta GOV.BR.",
            {"bronze": "bronze", "gold": "ouro", "none": "não informado", "silver": "prata"},
        ),
        "method": Named(
            "meio",
            "Como a pessoa entrou, o meio mais forte.",
            {
                "app": "aplicativo",
                "bank": "banco",
                "certificate": "certificado digital",
                "other": "outro",
                "password": "senha",
            },
        ),
        "certificate": Named(
            "certificado",
            "Onde está a chave do certificado usado.",
            {
                "cloud": "na nuvem",
                "device": "com o titular",
                "none": "nenhum",
                "unspecified": "não especificado",
            },
        ),
        "cnpj": Named("CNPJ do certificado", "A empresa cujo e-CNPJ foi usado; não prova papel."),
        "second_factor": Named("segundo fator", "O GOV.BR pediu um segundo fator."),
        "agent": Named("por procuração", "Entrou por Procuração Eletrônica, não em nome próprio."),
        "minutes": Named("minutos", "Minutos inteiros desde que a pessoa se autenticou."),
    },
    "Question": {
        "recipient": Named(
            "destinatário", "A outra pessoa da delegação, da revogação ou da consulta."
        ),
        "actor_evidence": Named(
            "prova de quem age",
            "Como se sabe que é esta pessoa que age.",
            {word: _EVIDENCE[word] for word in ("asserted", "govbr")},
        ),
        "sign_in": Named("entrada no GOV.BR", "A entrada no GOV.BR em que a pessoa age."),
        "context": Named("contexto", "O contexto da pergunta. AFIRMADO PELO SISTEMA QUE PERGUNTA."),
        "properties": Named(
            "propriedades da ação",
            "As propriedades da ação. AFIRMADAS PELO SISTEMA QUE PERGUNTA.",
        ),
    },
    "Company": {
        "id": Named("número", "O CNPJ, ou o número de uma empresa estrangeira."),
        "cnpj": Named("CNPJ", "Os catorze caracteres; não há para empresa estrangeira."),
        "origin": Named(
            "origem",
            "Se tem CNPJ, ou se é a equipe do Inmetro que a registra.",
            {"foreign": "estrangeira", "national": "nacional"},
        ),
        "validation": Named(
            "validação",
            "O que a equipe do Inmetro diz dos dados da empresa estrangeira.",
            {
                "none": "não precisa",
                "pending": "pendente",
                "unknown": "não registrada",
                "validated": "validada",
                "withdrawn": "retirada",
            },
        ),
        "standing": Named("atuação", "O que quem age é na empresa."),
        "bond": Named("vínculo com a matriz", "O vínculo registrado da filial com a matriz."),
        "question": Named("pergunta", "As particularidades da pergunta."),
    },
    "Process": {
        "id": Named("identificador", "O identificador do processo, como `p061-registro`."),
        "code": Named("código", "O código do Inmetro, como `P061`, que vários podem ter."),
        "version": Named("versão", "A versão que o SISTEMA QUE PERGUNTA indica, ou a mais nova."),
        "state": Named(
            "situação",
            "Se o processo aceita pedidos.",
            {"closed": "fechado", "open": "aberto", "unknown": "fora do catálogo"},
        ),
        "company": Named("empresa", "A empresa em cujo nome se age."),
        "delegation": Named("delegação", "O que a empresa delegou a quem age."),
        "question": Named("pergunta", "As particularidades da pergunta."),
    },
    "Resource": {
        "type": Named("tipo", "O tipo do recurso, nas palavras do serviço a que pertence."),
        "id": Named("identificador", "O nome dentro do tipo."),
        "properties": Named(
            "propriedades do recurso",
            "O que se sabe dele. PODE SER AFIRMADO PELO SISTEMA QUE PERGUNTA.",
        ),
        "question": Named("pergunta", "As particularidades da pergunta."),
    },
}

FACTS: Mapping[str, Mapping[str, Named]] = MappingProxyType(_FACTS)
"""Every fact in Portuguese, by the names of its entity and of its own in the vocabulary."""

ROOTS: Mapping[str, str] = MappingProxyType(
    {
        "person": "pessoa",
        "login": "login",
        "subject": "sujeito",
        "process": "processo",
        "company": "empresa",
        "resource": "recurso",
    }
)
"""What paths begin with."""
