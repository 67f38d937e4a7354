-- Distributes the tables of glia-sync over a Citus cluster, if the data has outgrown one PostgreSQL:
--
--     psql -d analytics -v ON_ERROR_STOP=1 -f citus.sql              (-v schema=NAME if it is not glia)
--
-- Run it on the coordinator, as the owner of the tables, after `glia-sync migrate` has created them. Stop glia-sync first,
-- because existing rows are moved. Everything that belongs to an engagement is on the engagement's shard, so joins by
-- engagement_id stay on one node. Queues, operators and sites are copied to every node. The program's own state stays on
-- the coordinator.
\if :{?schema}
\else
    \set schema glia
\endif
CREATE EXTENSION IF NOT EXISTS citus;
SET search_path = :"schema", public;

SELECT create_distributed_table('engagements', 'id');
SELECT create_distributed_table('engagement_sites', 'engagement_id', colocate_with => 'engagements');
SELECT create_distributed_table('engagement_operators', 'engagement_id', colocate_with => 'engagements');
SELECT create_distributed_table('engagement_queues', 'engagement_id', colocate_with => 'engagements');
SELECT create_distributed_table('audio_recordings', 'engagement_id', colocate_with => 'engagements');
SELECT create_distributed_table('legs', 'engagement_id', colocate_with => 'engagements');
SELECT create_distributed_table('leg_queues', 'engagement_id', colocate_with => 'engagements');
SELECT create_distributed_table('chat_messages', 'engagement_id', colocate_with => 'engagements');
SELECT create_reference_table('queues');
SELECT create_reference_table('operators');
SELECT create_reference_table('operator_sites');
SELECT create_reference_table('sites');
SELECT create_reference_table('name_history');
