# A rule that cannot be answered where a request says so: its level is a text then. Whatever else
# permits, a rule that errs denies (row 67 of the checklist).

permit(user: Subject, "read", record: Resource, "reader") if
    user.type = "user" and
    not record.properties.level = nil and
    record.properties.level < 0;
