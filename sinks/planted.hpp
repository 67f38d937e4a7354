// Mistakes that the simulation must find (tests/simulation). Only its own build of the core knows them: in
// the program `planted()` is a constant false, and the compiler drops what depends on it.
#pragma once

namespace glia {

enum class Mistake {
    none,
    watermark_a_page_early,       ///< the last page but one counts as the last
    watermark_of_the_end,         ///< the watermark becomes the time of the last page, not of the first
    overlap_forgotten,            ///< a pass begins at the watermark itself
    cursor_kept,                  ///< a pass whose window changed goes on at the old link
    ended_cursor_ends_the_pass,   ///< a cursor that the server forgot counts as the last page
    repeated_link_ends_the_pass,  ///< a link that repeats itself counts as the last page
    failed_commit_counts,         ///< after a commit that failed the pass goes on as if it had not
    older_response_wins,          ///< fetched_at is not looked at
    list_item_clears_legs,        ///< a list item without legs takes the stored ones away
    detail_settles_too_much,      ///< a detail settles a wish that is newer than its response
    detail_dropped_on_shutdown,   ///< claimed details are not handed back but settled
    ongoing_forgotten,            ///< an engagement that goes on is not fetched again
    fence_left_out,               ///< a commit is not checked against the epoch of its lease
    claims_not_fenced,            ///< a detail's failure is noted by who no longer holds it
    revisit_forgotten,            ///< no tier is ever due
    change_asks_for_no_detail,    ///< a changed list item does not have the legs fetched again
    late_response_is_trusted,     ///< what a late response overwrote is not asked for again
    checkpoint_ahead_of_rows,     ///< the position is written before the rows of the last page are
};

#ifdef GLIA_PLANTED
/// The mistake that is switched on. One thread at a time.
extern thread_local Mistake planted_mistake;
inline bool planted(Mistake mistake) {
    return planted_mistake == mistake;
}
#else
constexpr bool planted(Mistake) {
    return false;
}
#endif

}  // namespace glia
