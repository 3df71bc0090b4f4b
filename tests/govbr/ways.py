"""The ways into an account, and what ``amr`` says of each (technical manual, "Passo 9")."""

from __future__ import annotations

from dataclasses import dataclass

from tests.govbr.people import Account


@dataclass(frozen=True)
class Way:
    """
    One way into an account.

    Attributes:
        name: its short name.
        label: what the page says, in Portuguese.
        amr: what the tokens say.
        company: whether it takes the certificate of a company, whose ``cnpj`` they tell.
        agent: whether it takes a power of attorney.
    """

    name: str
    label: str
    amr: tuple[str, ...]
    company: bool = False
    agent: bool = False

    def open_to(self, account: Account) -> bool:
        """Tell whether the account can be entered this way."""
        if self.company and account.certificate is None:
            return False
        return not self.agent or account.grantor is not None


WAYS = {
    way.name: way
    for way in (
        Way("senha", "CPF e senha", ("passwd", "captcha")),
        Way("senha-2fa", "Senha e código", ("passwd", "captcha", "mfa", "otp")),
        Way("banco", "Banco do Brasil", ("bank", "bank001")),
        Way("aplicativo", "QR Code do aplicativo gov.br", ("app", "app_qrcode")),
        Way("ecpf", "e-CPF", ("x509", "x509_token")),
        Way("ecnpj", "e-CNPJ (A1 ou A3)", ("x509", "x509_token"), company=True),
        Way("ecnpj-nuvem", "e-CNPJ em nuvem", ("x509", "x509_vidaas"), company=True),
        Way("procuracao", "Procuração Eletrônica", ("passwd", "captcha"), agent=True),
    )
}
"""Every way, by its name."""
