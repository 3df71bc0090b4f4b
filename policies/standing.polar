# What it means to speak for a company. The other files ask these rules.

# Orquestra recognises these two roles and no other (Inmetro's FAQ): not the accountant
# (contador), not who holds a certificate without a role (não atuante), not the
# collaborator (colaborador).
represents(standing: Standing) if
    standing.role in ["socio", "representante_legal"] and
    standing.in_force;

# The matriz speaks for its filial while proof of the bond is on record and in force.
represents_matriz(company: Company) if
    company.bond.in_force and
    represents(company.bond.standing);
