# What the way in which a person signed in at GOV.BR takes away.

# By power of attorney (Procuração Eletrônica) the token bears the attorney's CPF, but the
# right is another person's: in such a sign-in nothing is opened, delegated or read.
forbid(_person: Person, _action, process: Process, "acting-as-agent") if
    process.question.sign_in != nil and
    process.question.sign_in.agent;

forbid(_person: Person, _action, company: Company, "acting-as-agent") if
    company.question.sign_in != nil and
    company.question.sign_in.agent;
