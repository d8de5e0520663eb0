-- What: how SQL reads a property of an event's data. billing/usage/values.py says the same in Python; a test
-- compares the two over many values.
-- Why: day totals are added up in Python at intake and in SQL by a rebuild, and must be the same.
-- All are plain SQL and immutable, so that the planner can inline them.

-- A quantity: a JSON number, or a decimal string of at most 26 digits before and 12 after the point; else null.
CREATE FUNCTION usage_number(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN (value #>> '{}')::numeric
        WHEN 'string' THEN
            CASE WHEN value #>> '{}' ~ '^-?[0-9]{1,26}(\.[0-9]{1,12})?$' THEN (value #>> '{}')::numeric END
    END
$$;

-- A dimension value: strings as they are, numbers without zeros behind the point, true and false; else null.
CREATE FUNCTION usage_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN trim_scale((value #>> '{}')::numeric)::text
        WHEN 'string' THEN value #>> '{}'
        WHEN 'boolean' THEN value #>> '{}'
    END
$$;

-- The key of a set of dimension values: they may be longer than an index entry can be.
CREATE FUNCTION usage_key(dimensions jsonb) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN dimensions = '{}' THEN '00000000-0000-0000-0000-000000000000'::uuid
        ELSE encode(substr(sha256(convert_to(dimensions::text, 'UTF8')), 1, 16), 'hex')::uuid END
$$;

-- Whether data (an event's, or a day total's dimensions) matches a charge's filter {dimension: [values]}.
CREATE FUNCTION usage_matches(data jsonb, filter jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT filter = '{}' OR NOT EXISTS (
        SELECT FROM jsonb_each(filter) AS f(name, accepted)
        WHERE NOT coalesce(f.accepted ? usage_text(data -> f.name), false)
    )
$$;
