// Parses the command line (CLI11). cli/ implements the commands.
#include <malloc.h>

#include <CLI/CLI.hpp>

#include <csignal>
#include <functional>
#include <string>

#include "daemon/base/version.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

namespace {

/// Declares the commands. The chosen command sets `action`.
class CommandLine {
  public:
    CommandLine() : app_("Keeps PostgreSQL in step with a contact centre's engagements.", "glia-sync") {
        app_.set_version_flag("--version", std::string("glia-sync ") + glia::kVersion);
        app_.add_option("-c,--config", config_, "Configuration file")->capture_default_str();
        app_.require_subcommand(1);
        app_.fallthrough();  // -c is also accepted after the command
        app_.footer(
            "Exit codes: 0 done, 64 usage, 65 records rejected (--strict), 69 API or database unavailable,\n"
            "74 output not written, 75 stopped before the end, 77 credentials refused, 78 configuration "
            "wrong.");
        add_run();
        add_backfill();
        add_verify();
        add_check();
        add_migrate();
        add_status();
        add_runs();
        add_sample();
        add_reset();
        add_rejects();
        add_forget();
        add_engagement();
        add_queue();
        add_config();
    }

    int parse(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::Success& asked) {  // --help, --version
            return app_.exit(asked);
        } catch (const CLI::ParseError& error) {
            glia::cli::complain(std::string(error.what()) + "; see glia-sync --help");
            return glia::cli::kUsage;
        }
        return action_();
    }

  private:
    void add_run() {
        auto* command = app_.add_subcommand("run", "The service: polls every site until it is stopped");
        command->add_flag("--once", once_,
                          "One pass over every site, the revisits that are due, the detail queue; then exit");
        command->add_flag("--strict", strict_, "With --once: exit code 65 if records were rejected");
        command->footer("Example:\n  glia-sync run --once     # for cron and timers");
        command->callback([this] { action_ = [this] { return glia::cli::run(config_, once_, strict_); }; });
    }

    void add_backfill() {
        auto* command = app_.add_subcommand(
            "backfill", "Loads history; the same command resumes a backfill that was stopped");
        command->add_option("--from", backfill_.from, "Start of the range, such as 2023-01-01")->required();
        command->add_option("--to", backfill_.to, "End of the range; without it: now");
        command->add_option("--site", backfill_.sites, "Only this site (may be repeated)");
        command
            ->add_option("--window", backfill_.window, "Length of a window, the unit of loading and resuming")
            ->capture_default_str();
        command->add_option("--concurrency", backfill_.concurrency, "Windows to read concurrently")
            ->capture_default_str()
            ->check(CLI::Range(1, 64));
        command
            ->add_option(
                "--only", backfill_.only,
                "Load only these: engagements (without legs); statistics; or the legs, transcripts or "
                "recordings that stored engagements of the range lack (also fetches those already queued)")
            ->check(CLI::IsMember({"engagements", "legs", "transcripts", "recordings", "statistics"}));
        command->add_flag("--restart", backfill_.restart,
                          "Start over; with --only legs, transcripts or recordings: fetch stored ones again");
        command->add_flag("--dry-run", backfill_.dry_run,
                          "Write nothing: list a few windows, and estimate the requests for the range");
        command->add_flag("--strict", backfill_.strict, "Exit code 65 if records were rejected");
        command->footer(
            "Examples:\n  glia-sync backfill --from 2023-01-01 --dry-run\n"
            "  glia-sync backfill --from 2023-01-01 --to 2024-01-01 --concurrency 8\n"
            "  glia-sync backfill --from 2023-01-01 --to 2024-01-01 --only legs");
        command->callback([this] { action_ = [this] { return glia::cli::backfill(config_, backfill_); }; });
    }

    void add_verify() {
        auto* command = app_.add_subcommand(
            "verify", "Compares the tables with the source: lists a range again, compares every column");
        command
            ->add_option("--from", verify_.from,
                         "Start of the range: a time such as 2024-01-01, or an age such as 35d")
            ->required();
        command->add_option("--to", verify_.to, "End of the range; without it: now");
        command->add_option("--site", verify_.sites, "Only this site, by id or name (may be repeated)");
        command
            ->add_option("--legs", verify_.legs,
                         "Share of the engagements whose legs are read again, up to 100%")
            ->capture_default_str();
        command->add_flag("--repair", verify_.repair,
                          "Load what is missing or different, and mark what the source no longer has");
        command->add_flag("--json", verify_.json, "As JSON");
        command->add_option("--differences", verify_.differences,
                            "Write a line of JSON for each difference to this file");
        command->footer(
            "Examples:\n  glia-sync verify --from 2024-05-01 --to 2024-06-01 --legs 5%\n"
            "  glia-sync verify --from 2024-05-01 --repair --json | jq .differences\n"
            "Exit code 65 if something differs and was not repaired.");
        command->callback([this] { action_ = [this] { return glia::cli::verify(config_, verify_); }; });
    }

    void add_check() {
        auto* command = app_.add_subcommand(
            "check", "Checks configuration, database and API: one line per check, and what to do");
        command->footer("Example:\n  sudo glia-sync check");
        command->callback([this] { action_ = [this] { return glia::cli::check(config_); }; });
    }

    void add_migrate() {
        auto* command = app_.add_subcommand("migrate", "Brings the database schema to this version");
        command->add_flag("--print", print_, "Print the SQL for a DBA instead");
        command->footer(
            "Example:\n  glia-sync migrate --print | psql -h db.example.com -U glia_owner analytics");
        command->callback([this] { action_ = [this] { return glia::cli::migrate(config_, print_); }; });
    }

    void add_status() {
        auto* command = app_.add_subcommand("status", "Shows how far each site is synced, and what is wrong");
        auto* json = command->add_flag("--json", json_, "As JSON");
        command
            ->add_flag(
                "--check", check_,
                "One line for a monitor such as Nagios; exit code 0 in order, 1 warning, 2 critical, 3 "
                "unknown")
            ->excludes(json);
        command->footer(
            "Examples:\n  glia-sync status\n  glia-sync status --json | jq '.sites[].lag_seconds'\n"
            "  glia-sync status --check");
        command->callback([this] {
            action_ = [this] {
                return check_ ? glia::cli::status_check(config_) : glia::cli::status(config_, json_);
            };
        });
    }

    void add_sample() {
        auto* command = app_.add_subcommand(
            "sample", "The first engagements as they would be stored, as JSON lines; stores nothing");
        command->add_option("--limit", sample_.limit, "How many engagements")
            ->capture_default_str()
            ->check(CLI::Range(1, 10'000));
        command->add_option("--site", sample_.sites, "Only of this site (may be repeated)");
        command->footer("Example:\n  glia-sync sample --limit 3 | jq .");
        command->callback([this] { action_ = [this] { return glia::cli::sample(config_, sample_); }; });
    }

    void add_runs() {
        auto* command = app_.add_subcommand(
            "runs", "What ran, when, for how long, how much it loaded, and why it failed");
        command->add_option("--limit", limit_, "How many runs, the newest first")
            ->capture_default_str()
            ->check(CLI::Range(1, 100'000));
        command->add_flag("--json", json_, "As JSON");
        command->footer(
            "Examples:\n  glia-sync runs\n  glia-sync runs --limit 500 --json | jq '.runs[] | "
            "select(.error)'");
        command->callback([this] { action_ = [this] { return glia::cli::runs(config_, limit_, json_); }; });
    }

    void add_reset() {
        auto* command =
            app_.add_subcommand("reset", "Moves a site's checkpoint back: the next pass reads from there");
        command->add_option("--site", reset_site_, "The site")->required();
        command->add_option("--to", reset_to_, "The new checkpoint, such as 2024-01-01T00:00:00Z")
            ->required();
        command->footer(
            "Example:\n  glia-sync reset --site 9dd25b48-c988-48cd-a4c3-56384d317e41 --to 2024-05-01");
        command->callback(
            [this] { action_ = [this] { return glia::cli::reset(config_, reset_site_, reset_to_); }; });
    }

    void add_rejects() {
        auto* command = app_.add_subcommand("rejects", "Records that could not be loaded");
        command->require_subcommand(1);
        command->fallthrough();
        command->footer("Examples:\n  glia-sync rejects list\n  glia-sync rejects retry 17 18");
        auto* list = command->add_subcommand("list", "One line per record, the newest first");
        list->add_option("--site", rejects_.site, "Only of this site");
        list->add_flag("--all", rejects_.all, "Include records that were loaded since");
        list->add_flag("--json", rejects_.json, "As JSON, payloads included");
        list->callback([this] { action_ = [this] { return glia::cli::rejects_list(config_, rejects_); }; });
        auto* show = command->add_subcommand("show", "Shows a record with its payload as received");
        show->add_option("id", rejects_.ids, "Number of the record, as listed")->required();
        show->add_flag("--json", rejects_.json, "As JSON");
        show->callback([this] { action_ = [this] { return glia::cli::rejects_show(config_, rejects_); }; });
        auto* retry =
            command->add_subcommand("retry", "Loads records again: from the API, or as they were received");
        retry->add_option("id", rejects_.ids, "Numbers of records; without any: all that are not resolved");
        retry->add_option("--site", rejects_.site, "Only of this site");
        retry->add_flag("--strict", rejects_.strict, "Exit code 65 if some still cannot be loaded");
        retry->callback([this] { action_ = [this] { return glia::cli::rejects_retry(config_, rejects_); }; });
    }

    void add_forget() {
        auto* command = app_.add_subcommand("forget", "Erases a person's data everywhere, for good");
        auto* visitor = command->add_option("--visitor", forget_.visitor, "All engagements of this visitor");
        auto* engagement = command->add_option("--engagement", forget_.engagement, "This engagement");
        auto* operator_id = command->add_option("--operator", forget_.operator_id,
                                                "Name and contact of this operator; engagements stay");
        engagement->excludes(visitor)->excludes(operator_id);
        visitor->excludes(operator_id);
        command->add_flag("--yes", forget_.yes, "Do not ask");
        command->require_subcommand(0, 1);
        command->fallthrough();
        command->footer(
            "Examples:\n  glia-sync forget --visitor 039124e6-b4e8-4a0d-b420-5b6696c7ecb4\n"
            "  glia-sync forget export /var/backups/glia-sync-forgotten.jsonl\n"
            "  glia-sync forget import /var/backups/glia-sync-forgotten.jsonl\n"
            "Exit codes of import: 65 not a complete file of export, 66 the file cannot be read; of export: "
            "74 the file cannot be written.");
        command->callback([this, command] {
            if (command->get_subcommands().empty())
                action_ = [this] { return glia::cli::forget(config_, forget_); };
        });
        auto* exported = command->add_subcommand(
            "export", "Writes what was forgotten, as digests, to a file for another database");
        exported->add_option("file", forget_.file,
                             "The file, which is replaced; without it, standard output");
        exported->excludes(visitor)->excludes(engagement)->excludes(operator_id);
        exported->callback(
            [this] { action_ = [this] { return glia::cli::forget_export(config_, forget_); }; });
        auto* imported = command->add_subcommand(
            "import", "Imports such a file: erases what it names, and does not store it again");
        imported->add_option("file", forget_.file, "The file, or - for standard input")->required();
        imported->excludes(visitor)->excludes(engagement)->excludes(operator_id);
        imported->callback(
            [this] { action_ = [this] { return glia::cli::forget_import(config_, forget_); }; });
    }

    void add_engagement() {
        auto* command = app_.add_subcommand("engagement", "One engagement at the source");
        command->require_subcommand(1);
        command->fallthrough();
        command->footer(
            "Examples:\n  glia-sync engagement get eea868ad-9d58-4db9-a663-5fd766728980 | jq .legs\n"
            "  glia-sync engagement end eea868ad-9d58-4db9-a663-5fd766728980 --reason error");
        const auto id = [this](CLI::App* action) {
            action->add_option("id", engagement_.id, "The engagement's id")
                ->required()
                ->check(
                    [](const std::string& given) { return given.empty() ? "an id cannot be empty" : ""; });
        };
        const auto changes = [this, id](CLI::App* action) {
            id(action);
            action->add_flag("--yes", engagement_.yes, "Do not ask");
            action->add_flag("--json", engagement_.json, "The answer as JSON");
        };
        auto* get = command->add_subcommand("get", "Prints it as JSON, with privacy applied");
        id(get);
        get->callback(
            [this] { action_ = [this] { return glia::cli::engagement_get(config_, engagement_); }; });
        auto* end = command->add_subcommand(
            "end", "Ends it at the source; only its current participant's token may do that");
        changes(end);
        end->add_option("--reason", engagement_.reason, "error: an application failed when it started")
            ->check(CLI::IsMember({"error"}));
        end->callback(
            [this] { action_ = [this] { return glia::cli::engagement_end(config_, engagement_); }; });
        auto* exported =
            command->add_subcommand("export", "Exports it to the destination that its site configures");
        changes(exported);
        exported->callback(
            [this] { action_ = [this] { return glia::cli::engagement_export(config_, engagement_); }; });
    }

    void add_queue() {
        auto* command = app_.add_subcommand("queue", "The queue at the source");
        command->require_subcommand(1);
        command->fallthrough();
        command->footer("Example:\n  glia-sync queue wait --json");
        auto* wait = command->add_subcommand("wait", "How long visitors have had to wait, on average");
        wait->add_flag("--json", json_, "The answer as JSON");
        wait->callback([this] { action_ = [this] { return glia::cli::queue_wait(config_, json_); }; });
    }

    void add_config() {
        auto* command = app_.add_subcommand("config", "Checks or shows the configuration file");
        command->require_subcommand(1);
        command->fallthrough();
        command->footer("Example:\n  glia-sync -c new.yaml config check");
        command->add_subcommand("check", "Validates it")->callback([this] {
            action_ = [this] { return glia::cli::config_check(config_); };
        });
        command->add_subcommand("show", "Shows the effective settings, secrets masked")->callback([this] {
            action_ = [this] { return glia::cli::config_show(config_); };
        });
    }

    CLI::App app_;
    std::string config_ = glia::cli::kDefaultConfig;
    bool once_ = false;
    bool strict_ = false;
    bool print_ = false;
    bool json_ = false;
    bool check_ = false;
    std::int64_t limit_ = 20;
    std::string reset_site_;
    std::string reset_to_;
    glia::cli::SampleOptions sample_;
    glia::cli::ForgetOptions forget_;
    glia::cli::EngagementOptions engagement_;
    glia::cli::RejectsOptions rejects_;
    glia::cli::BackfillOptions backfill_;
    glia::cli::VerifyOptions verify_;
    std::function<int()> action_;
};

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // writing to a closed pipe fails instead of ending the process
    std::signal(SIGXFSZ, SIG_IGN);  // exceeding RLIMIT_FSIZE fails the write, like a full disk
    // By default each thread has an arena, and each arena keeps memory. With two arenas, loading is as fast
    // and takes a tenth less memory (tests/bench).
    mallopt(M_ARENA_MAX, 2);
    glia::cli::prepare_output();
    CommandLine command_line;
    return glia::cli::finish_output(command_line.parse(argc, argv));
}
