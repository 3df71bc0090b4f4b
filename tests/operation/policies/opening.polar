# A few of the shipped rules, for services whose tests are not about the rules.
#
# To explore the shipped ones takes most of the time in which a service starts. These say the same
# of a partner, a representative and a member of one company, and nothing of filiais, foreign
# companies and sign-ins.

permit(_person: Person, "open", process: Process, "represents") if
    represents(process.company);

permit(person: Person, "open", process: Process, "delegated") if
    person.confirmed and
    process.delegation.state = "in_force" and
    recognised(process.delegation.backing);

permit(_person: Person, "delegate", process: Process, "represents") if
    represents(process.company);

permit(_person: Person, "revoke", process: Process, "represents") if
    represents(process.company);

permit(_person: Person, "renounce", process: Process, "own-delegation") if
    process.delegation.state = "in_force";

permit(_person: Person, "read_delegations", company: Company, "represents") if
    represents(company);

forbid(_actor, action, process: Process, "process-unknown") if
    action in ["open", "delegate"] and
    process.state = "unknown";

forbid(_actor, action, process: Process, "process-closed") if
    action in ["open", "delegate"] and
    process.state = "closed";

represents(company: Company) if
    recognised(company.standing) and
    company.standing.days <= 7;

recognised(standing: Standing) if
    standing.role in ["socio", "representante_legal"] and
    standing.in_force;
