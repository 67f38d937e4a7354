#include "sinks/sqlite/checkpoint.hpp"

#include <variant>

#include "sinks/overloaded.hpp"
#include "sinks/sink_error.hpp"
#include "sinks/sqlite/sql.hpp"

namespace glia::sqlite {
namespace {

void add_run(Connection& connection, const char* mode, const SiteTarget& site,
             const PassCheckpoint& checkpoint) {
    const OpenPass& pass = checkpoint.pass;
    connection.run(sql::add_run, {std::string(mode), site.site_id, micros(pass.from), value(pass.to),
                                  value(pass.started_at), pass.pages, pass.engagements, checkpoint.rejected,
                                  checkpoint.requests, stream_value(site.stream)});
}

void write_site(Connection& connection, const SiteTarget& target, const PassCheckpoint& checkpoint) {
    const OpenPass& pass = checkpoint.pass;
    if (!checkpoint.complete) {
        fence(connection.write(
                  sql::site_checkpoint,
                  {target.site_id, target.epoch, micros(pass.from), value(pass.to), value(pass.started_at),
                   value(pass.next_page), pass.pages, pass.engagements, stream_value(target.stream)}),
              describe(target));
        return;
    }
    const Value next_poll = checkpoint.release ? value(checkpoint.release->next_poll_in) : Value();
    fence(connection.write(sql::site_complete, {target.site_id, target.epoch, value(checkpoint.watermark),
                                                next_poll, stream_value(target.stream)}),
          describe(target));
    add_run(connection, "incremental", target, checkpoint);
}

void write_tiers(Connection& connection, const TierTarget& target, const PassCheckpoint& checkpoint) {
    fence(connection.write(sql::site_fence, {target.site_id, target.epoch, stream_value(target.stream)}),
          describe(target.site()));
    if (!checkpoint.complete) return;
    for (const Seconds back : target.covers) {
        connection.run(sql::tier_complete, {target.site_id, std::int64_t{back.count()},
                                            value(checkpoint.elapsed), stream_value(target.stream)});
    }
    add_run(connection, "revisit", target.site(), checkpoint);
}

void write_window(Connection& connection, const WindowTarget& target, const PassCheckpoint& checkpoint) {
    const OpenPass& pass = checkpoint.pass;
    fence(connection.write(sql::window_checkpoint,
                           window_values(target, {value(pass.started_at), value(pass.next_page), pass.pages,
                                                  pass.engagements, checkpoint.rejected, checkpoint.requests,
                                                  std::int64_t{checkpoint.complete}})),
          describe(target));
}

}  // namespace

Value stream_value(Stream stream) {
    return std::string(name_of(stream));
}

Values window_values(const WindowTarget& window, Values more) {
    Values all{window.backfill_id, window.site_id, micros(window.from), window.epoch};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

void write_checkpoint(Connection& connection, const PassCheckpoint& checkpoint) {
    std::visit(Overloaded{[&](const SiteTarget& target) { write_site(connection, target, checkpoint); },
                          [&](const TierTarget& target) { write_tiers(connection, target, checkpoint); },
                          [&](const WindowTarget& target) { write_window(connection, target, checkpoint); }},
               checkpoint.target);
}

void add_failure(Connection& connection, const FailedPass& failed, const SiteKey& site,
                 const std::string& error) {
    const Value stream = stream_value(site.stream);
    if (connection.write(sql::repeat_failure, {failed.mode, site.site_id, error, stream}) > 0) return;
    const OpenPass& pass = failed.pass;
    connection.run(sql::add_failure,
                   {failed.mode, site.site_id, micros(pass.from), value(pass.to), value(pass.started_at),
                    pass.pages, pass.engagements, failed.rejected, failed.requests, error, stream});
}

}  // namespace glia::sqlite
