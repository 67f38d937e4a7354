SELECT id AS operator_id, name, role, enabled, missing_since IS NULL AS listed FROM {{ source('glia', 'operators') }}
