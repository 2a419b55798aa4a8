#include "server/process/server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "conf/algorithms.hpp"
#include "conf/restart.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/warning.hpp"
#include "server/log/classic.hpp"
#include "server/log/fields.hpp"
#include "server/log/json_log.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/addresses.hpp"
#include "server/os/descriptors.hpp"
#include "server/os/host_text.hpp"
#include "server/os/polite.hpp"
#include "server/os/service_manager.hpp"
#include "server/os/terminal.hpp"
#include "server/os/thread_time.hpp"
#include "server/process/first_steps.hpp"
#include "server/process/used_places.hpp"
#include "server/ssh/moduli.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/depot_shape.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/path_text.hpp"
#include "storage/import/dropped_file.hpp"
#include "storage/releases/changeover.hpp"
#include "storage/releases/published.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto interface_pause = 10s;  // between two looks at the interfaces that addresses name
constexpr auto log_patience = 1s;      // at the end, for whoever reads it
constexpr auto history_patience = 3s;  // likewise, for the disk
constexpr auto stopping_time = 10s;    // for what comes after the last transfer
// With tftp.single_port. What is asked while a transfer holds the port is read there and lost: the next
// server does not get it, and a controller asks for 25 s.
constexpr auto one_port_patience = 10s;

// Finishes what a killed command left of a release, half retired or half replaced. What keeps it from that,
// in a sentence.
std::string finish_changeover(const storage::Depot& depot) try {
  if (std::filesystem::exists(depot.changeover())) storage::lock_releases(depot);
  return "";
} catch (const std::exception& e) {
  return fmt::format("a release is half retired or half replaced: {}; the next import goes on with it",
                     e.what());
}

}  // namespace

Server::Server(conf::Loaded loaded, const ListenPlan& plan, Origin origin,
               const std::optional<Account>& account)
    : settings_(std::make_shared<const conf::Settings>(std::move(loaded.settings))),
      warnings_(std::move(loaded.warnings)),
      origin_(std::move(origin)),
      account_(account),
      listeners_(bind(plan, account)),
      left_out_timer_(loop_),
      history_(loop_, events_),
      library_(settings_->depot, settings_->uploads),
      places_(used_places(*settings_, library_.depot, origin_.config)),
      confinement_(confine(places_)),
      lanes_(loop_),
      in_force_(settings_),
      images_(loop_, lanes_.explaining, library_.catalogue, events_),
      tftp_(loop_, lanes_, events_, in_force_, library_, running_),
      ssh_(loop_, lanes_, events_, in_force_, library_, running_),
      certificate_(loop_, lanes_, events_, in_force_, library_.depot),
      http_(loop_, lanes_, events_, in_force_, library_, running_),
      syslog_(lanes_, events_, in_force_, library_),
      listening_(loop_, lanes_.disk, events_, tftp_, ssh_, http_, syslog_),
      releases_(lanes_.explaining, library_.catalogue),
      supervision_(loop_,
                   [this] {
                     const auto releases = releases_.latest(ReleaseCount::Clock::now());
                     return StatusLine::Numbers{tftp_.running() + http_.running(), ssh_.running(), releases};
                   }),
      control_({loop_, lanes_, events_, running_, library_, in_force_, certificate_,
                [this] { return told_of_now(); },
                [this](storage::Record record) { return history_.keep(std::move(record)); }, origin_.config}),
      interface_timer_(loop_),
      signals_(loop_),
      drain_timer_(loop_),
      one_port_timer_(loop_) {
  certificate_.when_loaded([this] { http_.use(certificate_.context()); });
  listening_.begin(listeners_);
  open_log();
  note_unreadable_config();
  events_.listen([this](const Event& event) { try_to_log(event); });
}

// What happened has happened, whether or not there is memory to tell of it.
void Server::try_to_log(const Event& event) noexcept {
  try {
    log(event);
    if (unlogged_ == 0) return;
    log(event::Warned{
        Warning::log,
        fmt::format("{} events are not in the log: the server was short of memory", unlogged_)});
    unlogged_ = 0;
  } catch (const std::exception&) {
    ++unlogged_;
  }
}

Listeners Server::bind(const ListenPlan& plan, const std::optional<Account>& account) {
  auto bound = listen(loop_, plan, take_handed_over());
  if (account) become(*account);
  if (!own_account().is_root()) give_up_capabilities();
  prepare_process();
  expect_in_reach(settings_->depot);
  return bound;
}

// Not before root was given up: what cannot be opened now could not be opened after the log was rotated.
void Server::open_log() try { writer_.emplace(settings_->log); } catch (const std::system_error& e) {
  const auto file = settings_->log.destination.file;
  const auto folder = storage::utf8_of(std::filesystem::absolute(file).parent_path());
  if (e.code() == std::errc::read_only_file_system)
    throw conf::ConfigError(fmt::format("{}; {}", e.what(), host::let_service_write(folder)));
  if (e.code() != std::errc::permission_denied) throw;
  const auto name = own_account().name;
  throw conf::ConfigError(
      fmt::format("{}; the server runs as {}: `{}`, and give that user the right "
                  "to write in {}, where a new log file is made",
                  e.what(), name, host::give_file(name, storage::utf8_of(file)), folder));
}

void Server::note_unreadable_config() {
  if (!account_ || origin_.config.empty() || std::ifstream(storage::path_of(origin_.config))) return;
  listeners_.notes.push_back(fmt::format("{} cannot be read by {}, so that it cannot be reloaded: `{}`",
                                         origin_.config, account_->name,
                                         host::give_file(account_->name, origin_.config)));
}

void Server::log(const Event& event) {
  const bool owed = budget_.owes();
  if (budget_.takes(event, in_force_->log.level, LogBudget::Clock::now())) return write(event);
  if (owed || !budget_.owes()) return;
  left_out_timer_.expires_at(budget_.ends());
  left_out_timer_.async_wait([this](error_code error) {
    if (!error) tell_left_out();
  });
}

void Server::write(const Event& event) {
  const auto write_line = [&](LogLine line) {
    if (line.level > in_force_->log.level) return;
    budget_.spend(line.text.size());
    auto fields = writer_->takes_fields() ? log_fields(event) : std::vector<LogField>();
    writer_->write(line.severity, std::move(line.text), std::move(fields));
  };
  auto lines = classic_lines(event);
  const auto kind = event_kind(event);
  for (const auto& line : lines)
    if (line.level <= in_force_->log.level) control_.keep(line, kind);
  if (settings_->log.format == conf::LogFormat::json) return write_line(json_line(event));
  for (auto& line : lines) write_line(std::move(line));
}

void Server::tell_left_out() {
  for (const auto& sum : budget_.left_out(LogBudget::Clock::now())) write(sum);
}

void Server::run() {
  bound_open_files();
  history_.begin(settings_->history, library_.depot.history());
  events_.emit(event::Started{APDEPOT_VERSION});
  if (account_) events_.emit(event::RootGivenUp{account_->name, account_->uid});
  for (const auto& warning : warnings_) events_.warn(Warning::configuration, warning);
  for (const auto& note : listeners_.notes) events_.warn(Warning::addresses, note);
  for (const auto& missing : confinement_.missing) events_.warn(Warning::confinement, missing);
  if (storage::is_split(library_.depot))
    events_.warn(
        Warning::images,
        "images/ lies on another file system than state/, or in another mount, so that nothing can be "
        "imported or uploaded: put the whole depot on one");
  lanes_.importing.post(be_polite);  // its one thread, from here on
  sweep_staging();
  if (!settings_->import.watch || !start_importer())  // first: what is dropped once we are ready is seen
    lanes_.disk.post([this] { storage::hold_drop(library_.depot); });  // else it does so
  control_.begin(settings_->metrics, std::move(listeners_.page));
  const auto ready = ready_line() + "\n" + setup_line() +
                     (origin_.config.empty() ? first_steps(*settings_, library_.depot, origin_.program,
                                                           listening_.on_usual_ports())
                                             : "");
  std::fputs(ready.c_str(), stderr);  // it may be a full disk: then nobody is told, but everybody is served
  tell_ready();
  supervision_.begin();
  watch_interfaces();
  make_host_keys();
  load_certificate();
  check_users();
  images_.look();
  tell_of_images_beside();
  count_uploads();
  signals_.heed([this](HostSignal signal) { heed(signal); });
  run_loop();
  const bool kept = history_.end(history_patience);
  tell_left_out();
  events_.emit(event::LoopMeasured{meter_.measured()});
  events_.emit(event::Stopped{});
  // A worker or a history that waits for a dead disk would hold us up, and so would an import in its middle,
  // and a reader of the log that has stopped reading. All may be left alone: an import publishes by its last
  // act, and the next start sweeps its staging area and takes the drop up again.
  if (!writer_->close(log_patience) || !kept || lanes_.busy() > 0) leave_at_once();
}

Api::Now Server::told_of_now() {
  return {draining_,
          ssh_.running(),
          releases_.latest(ReleaseCount::Clock::now()),
          listening_.tftp(),
          listening_.ssh(),
          listening_.http(),
          meter_.measured(),
          control_.page_urls(),
          listening_.syslog(),
          certificate_.ends_at()};
}

void Server::bound_open_files() {
  const auto& settings = *in_force_;
  ssh_.bound_open_files(
      OpenFiles::bounds_for(most_descriptors(), settings.tftp.max_transfers, settings.ssh.max_sessions));
}

// Whatever one client brought about, the others go on.
void Server::run_loop() {
  meter_.begin(LoopMeter::Clock::now(), thread_time());
  while (!loop_.stopped()) {
    try {
      while (loop_.run_one() > 0) {
        if (!ending_) meter_.turn_ended(LoopMeter::Clock::now(), thread_time);
      }
    } catch (const std::exception& e) {
      tell_broken_off(e);
    }
  }
}

// One that nobody waits for; should it throw, that is told.
void Server::start_coroutine(net::awaitable<void> coroutine, std::string what) {
  net::co_spawn(loop_, std::move(coroutine), [this, what = std::move(what)](const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      events_.warn(Warning::broken_off, fmt::format("{} broke off: {}", what, e.what()));
    }
  });
}

void Server::tell_broken_off(const std::exception& error) noexcept {
  try {
    events_.warn_rarely(Warning::broken_off,
                        fmt::format("a request broke off, the server goes on: {}", error.what()));
  } catch (const std::exception&) {
    ++unlogged_;
  }
}

std::string Server::ready_line() const {
  std::string pages;
  for (const auto& url : control_.page_urls()) pages += fmt::format("page {}, ", url);
  return fmt::format("apdepot ready: {}{}depot {}", listening_.text(), pages,
                     escaped(storage::utf8_of(library_.depot.directory()), whole));
}

// For a person at a terminal; whoever else looks finds it in the log.
std::string Server::setup_line() const {
  const auto url = control_.setup_url();
  return url.empty() || !stderr_is_terminal() ? "" : fmt::format("page {}\n", url);
}

void Server::watch_interfaces() {
  if (!interfaces_) {
    auto endpoints = in_force_->tftp.listen;
    for (const auto* more : {&in_force_->ssh.listen, &in_force_->syslog.listen})
      endpoints.insert(endpoints.end(), more->begin(), more->end());
    for (const auto& each : in_force_->http.listen) endpoints.push_back(each.at);
    interfaces_.emplace(endpoints, index_of_interface);
  }
  if (interfaces_->empty()) return;
  bool opened = false;
  for (const auto& change : interfaces_->look(index_of_interface)) {
    if (!change.there) {
      events_.warn(Warning::addresses,
                   fmt::format("nothing is heard on {} until the interface {} is back: it was removed",
                               change.endpoint.text(), change.interface));
      continue;
    }
    listening_.open_again(change.endpoint);
    opened = true;
  }
  if (opened) interfaces_.reset();
  interface_timer_.expires_after(interface_pause);
  interface_timer_.async_wait([this](error_code error) {
    if (!error && !draining_) watch_interfaces();
  });
}

// Another server may have used the folder before.
void Server::tell_of_images_beside() {
  lanes_.disk.run([this] { return storage::image_beside(library_.depot); },
                  [this](const std::optional<std::filesystem::path>& image) {
                    if (!image || image->empty()) return;
                    events_.warn(
                        Warning::images,
                        fmt::format("{} is not served: images are served from {} only, move it there",
                                    storage::utf8_of(*image), storage::utf8_of(library_.depot.images())));
                  });
}

// So that the first upload need not wait for it.
void Server::count_uploads() {
  lanes_.explaining.post([this] { library_.uploads.count(); });
}

// Reports mistakes in the users file at the start; otherwise they show only when a login fails.
void Server::check_users() {
  if (!listening_.serves_ssh()) return;
  lanes_.disk.run([settings = in_force_.now(),
                   this] { return conf::load_usable_users(users_file(*settings, library_.depot)).mistakes; },
                  [this](const std::optional<std::vector<std::string>>& mistakes) {
                    if (!mistakes) return;
                    for (const auto& mistake : *mistakes) events_.warn(Warning::users, mistake);
                  });
}

void Server::make_host_keys() {
  if (!listening_.serves_ssh()) return;
  struct Made {
    std::vector<HostKeyPair> keys;
    std::string problem;
  };
  lanes_.disk.run(
      [this] {
        try {
          if (conf::offers_group_exchange(settings_->ssh)) write_moduli(library_.depot);
          return Made{load_or_make_host_keys(library_.depot), {}};
        } catch (const std::exception& e) {
          return Made{{}, e.what()};
        }
      },
      [this](std::optional<Made> made) {
        if (draining_ || !made) return;
        try {
          if (made->problem.empty()) ssh_.use(std::move(made->keys));
        } catch (const std::exception& e) {
          made->problem = e.what();
        }
        if (made->problem.empty()) return;
        events_.warn(Warning::host_keys, "SFTP is not served: " + made->problem);
        ssh_.stop_listening();
      });
}

void Server::load_certificate() {
  if (listening_.serves_https()) certificate_.want();
  certificate_.load();
}

// What a killed import or upload left. Listed now, so that what begins meanwhile is not in the way; removed
// by the worker that imports, so before any import.
void Server::sweep_staging() {
  try {
    const auto sweep = [this, areas = storage::staging_areas(library_.depot)] {
      const auto problem = finish_changeover(library_.depot);
      storage::sweep_staging(areas);
      storage::sweep_half_written(library_.depot);
      storage::share_manifests(library_.depot);
      return problem;
    };
    lanes_.importing.run(sweep, [this](const std::optional<std::string>& problem) {
      if (problem && !problem->empty()) events_.warn(Warning::staging, *problem);
    });
  } catch (const std::system_error& e) {
    events_.warn(Warning::staging, fmt::format("state/staging is not swept: {}", e.what()));
  }
}

bool Server::start_importer() {
  try {
    importer_.emplace(loop_, lanes_, events_, library_.depot, settings_->import);
    start_coroutine(importer_->run(), "the drop folder's import");
    return true;
  } catch (const std::system_error& e) {
    events_.warn(Warning::drop_folder,
                 fmt::format("drop/ is not watched ({}): `apdepot import FILE` does the same", e.what()));
  }
  return false;
}

// Where memory is too short to end in order, it ends all the same.
void Server::heed(HostSignal signal) {
  if (signal == HostSignal::reload) return reload();
  const bool ends = succeeds([this] { draining_ ? end() : begin_drain(); });
  if (!ends && !succeeds([this] { end(); })) loop_.stop();
}

// Reads the configuration on a worker: it may lie on a dead disk. Of several readings at a time the one that
// began last counts, whichever ends last.
void Server::reload() {
  const std::shared_ptr<void> ready(nullptr, [](auto) { tell_ready(); });  // whatever ends the reload
  tell_reloading();
  struct Read {
    conf::Loaded loaded;
    std::vector<std::string> mistakes;
  };
  lanes_.disk.run(
      [this, present = in_force_.now()] {
        try {
          Read read{origin_.reload(), {}};
          keep_readable_files(read.loaded, *present);
          return read;
        } catch (const std::exception& e) {
          return Read{{}, conf::mistakes_of(e)};
        }
      },
      [this, ready, number = ++reloads_](std::optional<Read> read) {
        if (!read || number != reloads_) return;
        if (read->mistakes.empty()) return put_in_force(std::move(read->loaded));
        for (auto& mistake : read->mistakes) events_.emit(event::ReloadFailed{std::move(mistake)});
      });
}

// What is looked up request by request is in force at once: tftp's limits, users, the log's level.
void Server::put_in_force(conf::Loaded loaded) {
  for (auto& warning : loaded.warnings) events_.warn(Warning::configuration, std::move(warning));
  in_force_.replace(std::make_shared<const conf::Settings>(std::move(loaded.settings)));
  library_.uploads.bound_by(in_force_->uploads);
  bound_open_files();
  http_.heed_settings();
  follow_addresses();
  events_.emit(event::Reloaded{origin_.config.empty() ? "of the built-in defaults" : origin_.config});
  check_users();
  const auto waiting = conf::keys_that_wait(*settings_, *in_force_);
  if (!waiting.empty())
    events_.warn(Warning::configuration, fmt::format("{} {} at the next start only", fmt::join(waiting, ", "),
                                                     waiting.size() == 1 ? "changes" : "change"));
}

// A confined server reads the places that it knew when it started. On a worker: it asks where links lead.
void Server::keep_readable_files(conf::Loaded& loaded, const conf::Settings& present) const {
  if (!confinement_.files) return;
  const auto may_take = [&](const std::optional<std::filesystem::path>& file, std::string_view keys) {
    if (!file || is_readable(places_, *file)) return true;
    loaded.warnings.push_back(
        fmt::format("{} at the next start only: {} lies in a folder that the server did not know when it "
                    "started",
                    keys, storage::utf8_of(*file)));
    return false;
  };
  auto& users = loaded.settings.ssh.users_file;
  if (!may_take(users, "ssh.users_file changes")) users = present.ssh.users_file;
  auto& web = loaded.settings.web;
  constexpr auto pair = "web.certificate and web.key change";
  if (may_take(web.certificate, pair) && may_take(web.key, pair)) return;
  web.certificate = present.web.certificate;
  web.key = present.web.key;
}

void Server::follow_addresses() {
  if (draining_) return;
  watch_interfaces();  // for the last time with the old addresses
  const bool served_ssh = listening_.serves_ssh();
  listening_.follow(*in_force_);
  if (!served_ssh && listening_.serves_ssh()) make_host_keys();
  load_certificate();
  interfaces_.reset();
  watch_interfaces();
}

void Server::begin_drain() {
  draining_ = true;
  tell_stopping(in_force_->drain + stopping_time);
  events_.emit(event::Stopping{tftp_.running() + http_.running(), ssh_.running()});
  tftp_.stop_listening();
  ssh_.stop_listening();
  ssh_.drain_sessions();
  http_.stop_listening();
  syslog_.stop_listening();
  control_.drain();
  images_.stop();
  if (importer_) importer_->stop();
  drain_timer_.expires_after(in_force_->drain);
  drain_timer_.async_wait([this](error_code error) {
    if (!error) end();
  });
  if (settings_->tftp.single_port) {
    one_port_timer_.expires_after(one_port_patience);
    one_port_timer_.async_wait([this](error_code error) {
      if (!error) tftp_.stop_transfers();
    });
  }
  tftp_.when_empty([this] { drain(); });
  ssh_.when_empty([this] { drain(); });
  http_.when_empty([this] { drain(); });
  drain();
}

void Server::drain() {
  if (tftp_.running() == 0 && ssh_.running() == 0 && http_.is_empty()) end();
}

// Tells transfers and sessions that the server stops; the loop runs 50 ms longer so the messages go out.
void Server::end() {
  ending_ = true;
  control_.end();
  certificate_.stop();
  ssh_.stop_sessions();
  http_.stop();
  tftp_.stop_transfers([this] {
    drain_timer_.expires_after(50ms);
    // It can be told twice: arming the timer again cancels the first wait, which must not stop the loop.
    drain_timer_.async_wait([this](error_code error) {
      if (!error) loop_.stop();
    });
  });
}

}  // namespace server
