SELECT id AS queue_id, name, site_id, status, missing_since IS NULL AS listed FROM {{ source('glia', 'queues') }}
