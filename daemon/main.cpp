// The command line (CLI11); what the commands do is in cli/.
#include <CLI/CLI.hpp>

#include <csignal>
#include <functional>
#include <iostream>
#include <string>

#include "daemon/base/version.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/manual.hpp"
#include "daemon/cli/output.hpp"

namespace {

constexpr int kUsage = 64;

/// Declares the commands; each sets `action` when it is chosen.
class CommandLine {
  public:
    CommandLine() : app_("Keeps PostgreSQL in step with a contact centre's engagements.", "glia-sync") {
        app_.set_version_flag("--version", std::string("glia-sync ") + glia::kVersion);
        app_.add_option("-c,--config", config_, "Configuration file")->capture_default_str();
        app_.require_subcommand(1);
        app_.fallthrough();  // -c may stand behind the command too
        app_.footer(
            "Exit codes: 0 done, 64 usage, 65 records rejected (--strict), 69 API or database unavailable,\n"
            "74 output not written, 75 stopped before the end, 77 credentials refused, 78 configuration "
            "wrong.");
        add_run();
        add_backfill();
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
        add_completion();
    }

    int parse(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::Success& asked) {  // --help, --version
            return app_.exit(asked);
        } catch (const CLI::ParseError& error) {
            glia::cli::complain(std::string(error.what()) + "; see glia-sync --help");
            return kUsage;
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
        auto* command =
            app_.add_subcommand("backfill", "Loads history; the same command again goes on where it stopped");
        command->add_option("--from", backfill_.from, "Start of the range, such as 2023-01-01")->required();
        command->add_option("--to", backfill_.to, "End of the range; without it: now");
        command->add_option("--site", backfill_.sites, "Only this site (may be repeated)");
        command->add_option("--window", backfill_.window, "Length of the pieces that are loaded and resumed")
            ->capture_default_str();
        command->add_option("--concurrency", backfill_.concurrency, "Windows at once")
            ->capture_default_str()
            ->check(CLI::Range(1, 64));
        command->add_flag("--restart", backfill_.restart, "Start over");
        command->add_flag("--strict", backfill_.strict, "Exit code 65 if records were rejected");
        command->footer("Example:\n  glia-sync backfill --from 2023-01-01 --to 2024-01-01 --concurrency 8");
        command->callback([this] { action_ = [this] { return glia::cli::backfill(config_, backfill_); }; });
    }

    void add_check() {
        auto* command =
            app_.add_subcommand("check", "Is everything in order? One line per check, and what to do");
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
        auto* command = app_.add_subcommand("status", "How far every site is, and what is wrong");
        command->add_flag("--json", json_, "As JSON");
        command->footer(
            "Examples:\n  glia-sync status\n  glia-sync status --json | jq '.sites[].lag_seconds'");
        command->callback([this] { action_ = [this] { return glia::cli::status(config_, json_); }; });
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
        auto* command =
            app_.add_subcommand("runs", "What ran, when, for how long, what it brought, and why it failed");
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
        list->add_flag("--all", rejects_.all, "Those that were loaded since, too");
        list->add_flag("--json", rejects_.json, "As JSON, payloads included");
        list->callback([this] { action_ = [this] { return glia::cli::rejects_list(config_, rejects_); }; });
        auto* show =
            command->add_subcommand("show", "All that is known of a record, its payload as received");
        show->add_option("id", rejects_.ids, "Number of the record, as listed")->required();
        show->add_flag("--json", rejects_.json, "As JSON");
        show->callback([this] { action_ = [this] { return glia::cli::rejects_show(config_, rejects_); }; });
        auto* retry =
            command->add_subcommand("retry", "Loads records again: from the API, or as they were received");
        retry->add_option("id", rejects_.ids, "Numbers of records; without any: all that are not settled");
        retry->add_option("--site", rejects_.site, "Only of this site");
        retry->add_flag("--strict", rejects_.strict, "Exit code 65 if some still cannot be loaded");
        retry->callback([this] { action_ = [this] { return glia::cli::rejects_retry(config_, rejects_); }; });
    }

    void add_forget() {
        auto* command = app_.add_subcommand("forget", "Erases a person's data everywhere, for good");
        auto* visitor = command->add_option("--visitor", forget_.visitor, "All engagements of this visitor");
        auto* engagement = command->add_option("--engagement", forget_.engagement, "This engagement");
        auto* employee = command->add_option("--operator", forget_.employee,
                                             "Name and contact of this operator; engagements stay");
        engagement->excludes(visitor)->excludes(employee);
        visitor->excludes(employee);
        command->add_flag("--yes", forget_.yes, "Do not ask");
        command->require_subcommand(0, 1);
        command->fallthrough();
        command->footer(
            "Examples:\n  glia-sync forget --visitor 039124e6-b4e8-4a0d-b420-5b6696c7ecb4\n"
            "  glia-sync forget export /var/backups/glia-sync-forgotten.jsonl\n"
            "  glia-sync forget import /var/backups/glia-sync-forgotten.jsonl\n"
            "Exit codes of import: 65 the file is not one of export, 66 it cannot be read; of export: 74 it "
            "cannot be "
            "written.");
        command->callback([this, command] {
            if (command->get_subcommands().empty())
                action_ = [this] { return glia::cli::forget(config_, forget_); };
        });
        auto* exported = command->add_subcommand(
            "export", "Writes what was forgotten, as digests, to a file for another database");
        exported->add_option("file", forget_.file,
                             "The file, which is replaced; without it, standard output");
        exported->excludes(visitor)->excludes(engagement);
        exported->callback(
            [this] { action_ = [this] { return glia::cli::forget_export(config_, forget_); }; });
        auto* imported = command->add_subcommand(
            "import", "Forgets what such a file names, and erases what is stored of it");
        imported->add_option("file", forget_.file, "The file, or - for standard input")->required();
        imported->excludes(visitor)->excludes(engagement);
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
        auto* get = command->add_subcommand("get", "Prints it as JSON, as the API shows it");
        id(get);
        get->add_flag("--json", engagement_.json, "It always is; for scripts that say so everywhere");
        get->callback(
            [this] { action_ = [this] { return glia::cli::engagement_get(config_, engagement_); }; });
        auto* end = command->add_subcommand(
            "end", "Ends it at the source; only its current participant's token may do that");
        changes(end);
        end->add_option("--reason", engagement_.reason, "error: an application failed when it started")
            ->check(CLI::IsMember({"error"}));
        end->callback(
            [this] { action_ = [this] { return glia::cli::engagement_end(config_, engagement_); }; });
        auto* exported = command->add_subcommand("export", "Exports it to where its site is configured to");
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
        auto* command = app_.add_subcommand("config", "Looks at the configuration file");
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

    void add_completion() {
        auto* command = app_.add_subcommand("completion", "Prints completion for a shell");
        command->add_option("shell", shell_, "bash or zsh")
            ->required()
            ->check(CLI::IsMember({"bash", "zsh"}));
        command->footer("Example:\n  source <(glia-sync completion bash)");
        command->callback([this] {
            action_ = [this] {
                const bool bash = shell_ == "bash";
                std::cout << (bash ? glia::cli::bash_completion(app_) : glia::cli::zsh_completion(app_));
                return 0;
            };
        });
        // For the build, which installs what it prints; people have man(1).
        auto* manual = app_.add_subcommand("manual", "Prints the manual page")->group("");
        manual->callback([this] {
            action_ = [this] {
                std::cout << glia::cli::manual_page(app_);
                return 0;
            };
        });
    }

    CLI::App app_;
    std::string config_ = glia::cli::kDefaultConfig;
    bool once_ = false;
    bool strict_ = false;
    bool print_ = false;
    bool json_ = false;
    std::int64_t limit_ = 20;
    std::string shell_;
    std::string reset_site_;
    std::string reset_to_;
    glia::cli::SampleOptions sample_;
    glia::cli::ForgetOptions forget_;
    glia::cli::EngagementOptions engagement_;
    glia::cli::RejectsOptions rejects_;
    glia::cli::BackfillOptions backfill_;
    std::function<int()> action_;
};

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader of our output that goes away must not take the service along
    std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
    glia::cli::prepare_output();
    CommandLine command_line;
    return glia::cli::finish_output(command_line.parse(argc, argv));
}
