SELECT * FROM {{ source('glia', 'repeat_contacts') }}
