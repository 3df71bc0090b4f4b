# Foreign companies without CNPJ (Estrangeiro), and the logins of Orquestra that act for them.
#
# From Inmetro's "Cadastro Único", Passo 2: such a client fills in a form of its own, and the
# team of the service validates what it says. The team also says who represents the company, by
# a login of Orquestra, since that person has neither CPF nor an account at GOV.BR. A foreign
# company with legal representation in Brazil has a CNPJ, and the other files speak of it.
#
# A login delegates nothing and is delegated nothing: a representative opens, or nobody does.

# Who represents the company (representante) opens any process for it, once the rule below
# lets anybody.
permit(_login: Login, "open", process: Process, "foreign-representative") if
    process.company.standing.role = "representante_legal";

# Until the team has validated the data (and after it has withdrawn that), nobody does anything
# in the name of the company, whatever permits. Of a number that nobody registered the same is
# said as of one that waits, so that trying numbers tells nothing.
forbid(_actor, _action, process: Process, "company-not-validated") if
    not_validated(process.company);

forbid(_actor, _action, company: Company, "company-not-validated") if
    not_validated(company);

not_validated(company: Company) if
    company.origin = "foreign" and
    company.validation != "validated";

# GOV.BR knows nothing of a login, so none acts for a company that has a CNPJ.
forbid(_login: Login, _action, process: Process, "login-without-govbr") if
    process.company.origin = "national";

forbid(_login: Login, _action, company: Company, "login-without-govbr") if
    company.origin = "national";
