# Who may open a process in the name of a company.
#
# From Inmetro's "Cadastro Único", Etapa 1, and its FAQ: Orquestra recognises the partner
# (sócio) and the legal representative, and no other role of GOV.BR. A member opens what
# was delegated. Each establishment stands for itself: who represents the matriz does not
# open for a filial.

# A partner or the legal representative opens any process for the company.
permit(_person: Person, "open", process: Process, "represents") if
    represents(process.company.standing);

# A member opens what was delegated, while the delegation is in force, the member's
# registration is confirmed, and somebody of standing is still behind it.
permit(person: Person, "open", process: Process, "delegated") if
    person.confirmed and
    process.delegation.state = "in_force" and
    backed(process);

# A delegation is backed while a grantor or confirmer has standing in the company ...
backed(process: Process) if
    backs(process.delegation.backing);

# ... or in the matriz of a filial whose bond is on record.
backed(process: Process) if
    process.company.bond.in_force and
    backs(process.delegation.matriz_backing);
