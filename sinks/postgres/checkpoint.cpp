#include "sinks/postgres/checkpoint.hpp"

#include <variant>

#include "sinks/overloaded.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {
namespace {

/// Appends the pass's columns of sync_runs to `key`.
Params with_run(Params key, const PassCheckpoint& checkpoint) {
    const OpenPass& pass = checkpoint.pass;
    key.insert(key.end(), {to_text(pass.from), param(pass.to), param(pass.started_at), param(pass.pages),
                           param(pass.engagements), param(checkpoint.rejected), param(checkpoint.requests)});
    return key;
}

void write_site(Transaction& tx, const SiteTarget& target, const PassCheckpoint& checkpoint) {
    if (checkpoint.complete) {
        Params values =
            with_run({target.site_id, param(target.epoch), param(checkpoint.watermark)}, checkpoint);
        values.push_back(checkpoint.release ? seconds_param(checkpoint.release->next_poll_in) : std::nullopt);
        values.emplace_back(name_of(target.stream));
        fence(tx.write(sql::site_complete, values), describe(target));
        return;
    }
    const OpenPass& pass = checkpoint.pass;
    fence(
        tx.write(sql::site_checkpoint, {target.site_id, param(target.epoch), to_text(pass.from),
                                        param(pass.to), param(pass.started_at), pass.next_page,
                                        param(pass.pages), param(pass.engagements), name_of(target.stream)}),
        describe(target));
}

void write_tiers(Transaction& tx, const TierTarget& target, const PassCheckpoint& checkpoint) {
    fence(tx.write(sql::site_fence, {target.site_id, param(target.epoch), name_of(target.stream)}),
          describe(target.site()));
    if (!checkpoint.complete) return;
    std::vector<Param> tiers;
    for (const Seconds back : target.covers) tiers.push_back(param(back.count()));
    Params values = with_run({target.site_id, array(tiers)}, checkpoint);
    values.push_back(seconds_param(checkpoint.elapsed));
    values.push_back(param(target.epoch));
    values.emplace_back(name_of(target.stream));
    tx.run(sql::tier_complete, values);
}

}  // namespace

Param seconds_param(std::chrono::milliseconds time) {
    return std::to_string(std::chrono::duration<double>(time).count());
}

void write_checkpoint(Transaction& tx, const PassCheckpoint& checkpoint) {
    std::visit(Overloaded{[&](const SiteTarget& target) { write_site(tx, target, checkpoint); },
                          [&](const TierTarget& target) { write_tiers(tx, target, checkpoint); },
                          [&](const WindowTarget&) { write_windows(tx, {&checkpoint}); }},
               checkpoint.target);
}

void write_windows(Transaction& tx, const std::vector<const PassCheckpoint*>& checkpoints) {
    Rows rows(WindowTable::table(), Rows::Encoding::json);
    std::string windows;
    for (const PassCheckpoint* checkpoint : checkpoints) {
        const auto& target = std::get<WindowTarget>(checkpoint->target);
        const OpenPass& pass = checkpoint->pass;
        WindowTable::add(rows, {target.backfill_id, target.site_id, target.from, target.epoch,
                                pass.started_at, pass.next_page, pass.pages, pass.engagements,
                                checkpoint->rejected, checkpoint->requests, checkpoint->complete});
        windows += (windows.empty() ? "" : " or ") + describe(target);
    }
    fence(tx.write(sql::window_checkpoints, {std::move(rows).finished()}), windows, checkpoints.size());
}

}  // namespace glia::postgres
