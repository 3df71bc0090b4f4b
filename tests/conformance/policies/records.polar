# The fixture of AuthZEN's certification scenario: who may do what with two records.
#
# Names are constants here, so that nobody who is not in the fixture gets anything by bringing
# properties. What is stored of users and records stands in entities.json; what a request says
# of them comes first.

# Everybody of the fixture reads every record of the fixture.
permit(user: Subject, "read", record: Resource, "reader") if
    of_the_fixture(user, record);

# Alice writes what is not archived.
permit(user: Subject, "write", record: Resource, "editor") if
    of_the_fixture(user, record) and
    user.id = "alice" and
    not record.properties.status = "archived";

# An admin writes the archive, and nothing else.
permit(user: Subject, "write", record: Resource, "archivist") if
    of_the_fixture(user, record) and
    user.properties.role = "admin" and
    record.properties.status = "archived";

# Alice deletes if it can be undone.
permit(user: Subject, "delete", record: Resource, "editor") if
    of_the_fixture(user, record) and
    user.id = "alice" and
    record.question.properties.soft = true;

of_the_fixture(user: Subject, record: Resource) if
    user.type = "user" and
    user.id in ["alice", "bob"] and
    record.type = "record" and
    record.id in ["record-1", "record-2"];
