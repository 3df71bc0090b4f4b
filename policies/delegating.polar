# Who may delegate a process, and who may take a delegation back, give it up or read it.
#
# Nobody delegates beyond his own right: a delegated member has no right to delegate, so
# there is no rule that permits it.

# A partner or the legal representative delegates any process of the company.
permit(_person: Person, "delegate", process: Process, "represents") if
    represents(process.company.standing);

# Inmetro's FAQ: where a filial has no e-CNPJ of its own, the matriz's representative may
# delegate to users of the filial, with proof of the bond. This rule is the only place
# where one establishment speaks for another; without it, each stands for itself.
permit(_person: Person, "delegate", process: Process, "represents-matriz") if
    represents_matriz(process.company);

# Who could delegate it can also take it back.
permit(_person: Person, "revoke", process: Process, "represents") if
    represents(process.company.standing);

permit(_person: Person, "revoke", process: Process, "represents-matriz") if
    represents_matriz(process.company);

# A member gives up a delegation that is in force, at any time.
permit(_person: Person, "renounce", process: Process, "own-delegation") if
    process.delegation.state = "in_force";

# The company's representatives read its delegations ...
permit(_person: Person, "read_delegations", company: Company, "represents") if
    represents(company.standing);

permit(_person: Person, "read_delegations", company: Company, "represents-matriz") if
    represents_matriz(company);

# ... and a member reads the own ones.
permit(person: Person, "read_delegations", company: Company, "own-delegation") if
    company.question.recipient != nil and
    company.question.recipient.cpf = person.cpf;

# The recipient must have registered through GOV.BR, and have Orquestra's confirmation. Only
# who may delegate hears of it: to others the registered and the unknown look alike.
forbid(_person: Person, "delegate", process: Process, "recipient-not-registered") if
    process.question.recipient != nil and
    not process.question.recipient.registered and
    delegates(process.company);

forbid(_person: Person, "delegate", process: Process, "recipient-not-confirmed") if
    process.question.recipient != nil and
    process.question.recipient.registered and
    not process.question.recipient.confirmed and
    delegates(process.company);

delegates(company: Company) if
    represents(company.standing);

delegates(company: Company) if
    represents_matriz(company);
