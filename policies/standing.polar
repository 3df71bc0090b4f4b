# What it means to speak for a company. The other files ask these rules.
#
# GOV.BR tells what a person is in a company only when that person signs in. A partner who
# has left would stay one here until the next sign-in, so what was seen counts for a time:
# a short one for what a person does, a long one for what was delegated, or every delegation
# would die whenever the partner does not sign in. Both are counted in whole days since then.

# For the person's own acts: seen at most 7 days ago.
represents(standing: Standing) if
    recognised(standing) and
    standing.days <= 7;

# Behind a delegation that was given: seen at most 365 days ago.
backs(standing: Standing) if
    recognised(standing) and
    standing.days <= 365;

# Orquestra recognises these two roles and no other (Inmetro's FAQ): not the accountant
# (contador), not who holds a certificate without a role (não atuante), not the
# collaborator (colaborador).
#
# A partner without the company's certificate (no cadastrador) counts as well, since no
# document of Inmetro says otherwise. To demand it, add:
#     and standing.cadastrador != "no"
recognised(standing: Standing) if
    standing.role in ["socio", "representante_legal"] and
    standing.in_force;

# The matriz speaks for its filial while proof of the bond is on record and in force.
represents_matriz(company: Company) if
    company.bond.in_force and
    represents(company.bond.standing);
