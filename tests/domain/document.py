"""The names and numbers of the document that Inmetro shows to companies."""

from __future__ import annotations

from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.processes import ProcessDefinition

COMPANY = Cnpj("52420282000180")
FILIAL = Cnpj("52420282000260")
"""Another establishment of the same company."""
OTHER_COMPANY = Cnpj("11222333000181")

REPRESENTATIVE = Cpf("72268402517")
MEMBER = Cpf("18762794604")
PARTNER = Cpf("11144477735")
STRANGER = Cpf("52998224725")

LABELS = {
    "p001": "P001 - Acreditação Inicial de Organismos v.3",
    "p004": "P004 - Extensão/Redução de Escopo/Cancelamento/Suspensão da Acreditação v.3",
    "p015": "P015 - Acreditação Inicial v.2",
    "p018": "P018 - Alterações v.2",
    "p020": "P020 - Apreciação Técnica de Modelos v.3",
    "p034": "P034 - Feedback sobre a atuação da equipe avaliadora/inspetora v.1",
    "p061-cadastro": "P061 - Cadastro de Empresas v.1",
    "p061-registro": "P061 - Registro v.2",
    "p070": "P070 - Análise de Licença de Importação para Anuência v.4",
    "p130": "P130 - Processo de acreditação e reconhecimento v.1",
}
"""The ten entries of the delegation screen as it prints them, by an id of their own."""


def _definition(identity: str, label: str) -> ProcessDefinition:
    name, _, version = label.rpartition(" v.")
    code, _, title = name.partition(" - ")
    return ProcessDefinition(ProcessId(identity), code, title, int(version))


CATALOGUE = tuple(_definition(identity, label) for identity, label in LABELS.items())
P001, P004, P015, P018, P020, P034, P061_CADASTRO, P061_REGISTRO, P070, P130 = CATALOGUE

ABROAD = ForeignId.of_number(123)
"""A foreign company without legal representation, as Inmetro's team numbers it."""
REPRESENTATIVE_ABROAD = Login("anna.schmidt")
COLLEAGUE_ABROAD = Login("Bo Müller")
