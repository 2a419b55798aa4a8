#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/commands/host_commands.hpp"
#include "server/os/event_log.hpp"
#include "server/os/host_text.hpp"
#include "server/os/identity.hpp"
#include "server/os/service_control.hpp"
#include "server/os/service_run.hpp"
#include "server/text/escape.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

namespace fs = std::filesystem;

std::string yaml_text(std::string_view value) {
  std::string text = "'";
  for (const char each : value) text.append(each == '\'' ? 2 : 1, each);
  return text + "'";
}

// A configuration of the administrator's own: it is never replaced.
void make_config(const fs::path& file, const fs::path& depot) {
  if (fs::exists(file)) return;
  storage::make_directories(file.parent_path(), 0755);
  storage::write_durably(
      file,
      fmt::format("# The configuration of the service apdepot. `apdepot config example` prints "
                  "every key with its\n# meaning, `apdepot service reload` reads this again.\n"
                  "depot: {}\n"
                  "log:\n  target: {}  # beside the event log\n  max_size: 16MiB\n",
                  yaml_text(storage::utf8_of(depot)),
                  yaml_text("file:" + storage::utf8_of(depot / "apdepot.log"))),
      0644);
}

std::vector<std::uint16_t> tcp_ports(const conf::Settings& settings) {
  std::vector<std::uint16_t> ports;
  for (const auto& all : {settings.ssh.listen, settings.http.endpoints()})
    for (const auto& each : all)
      if (each.port != 0) ports.push_back(each.port);
  std::ranges::sort(ports);
  ports.erase(std::ranges::unique(ports).begin(), ports.end());
  return ports;
}

// The service reads the usual configuration, or the one that is named here, each time it starts.
int install(const Arguments& arguments) {
  const auto named = arguments.value("--config");
  ServiceWanted wanted;
  wanted.config = fs::absolute(named ? storage::path_of(*named) : host::usual_config());
  wanted.words = {"service", "run", "--config", storage::utf8_of(wanted.config)};
  if (named && !fs::exists(wanted.config))
    throw UsageError(fmt::format("--config {}: there is no such file", *named));
  if (!named && fs::exists(wanted.config)) expect_of_administrator(wanted.config);
  auto settings = named || fs::exists(wanted.config) ? conf::load_file(wanted.config).settings
                                                     : conf::load_defaults().settings;
  if (const auto depot = arguments.value("--depot")) {
    settings.depot = fs::absolute(storage::path_of(*depot));
    wanted.words.insert(wanted.words.end(), {"--depot", storage::utf8_of(settings.depot)});
  }
  if (!settings.depot.is_absolute())
    throw UsageError(
        "the depot of a service is a whole path: change depot: in the configuration, or add "
        "--depot DIR");
  wanted.depot = settings.depot;
  wanted.stopping = settings.drain;
  wanted.tcp_ports = tcp_ports(settings);
  make_config(wanted.config, settings.depot);
  for (const auto& refused : install_service(wanted))
    fmt::print(stderr, "apdepot: {}\n", escaped(refused, whole));
  fmt::print(
      "the service apdepot is installed: depot {}, configuration {}; `apdepot service start` starts it\n",
      escaped(storage::utf8_of(wanted.depot), whole), escaped(storage::utf8_of(wanted.config), whole));
  return 0;
}

int show() {
  const auto state = service_state();
  if (!state.installed) {
    fmt::print("there is no service apdepot: `apdepot service install` makes it\n");
    return 1;
  }
  fmt::print("the service apdepot is {}{}\naccount       {}\nstarts        {}\ncommand line  {}\n",
             state.state, state.process != 0 ? fmt::format(", process {}", state.process) : "",
             escaped(state.account, whole), state.automatic ? "with the host" : "by hand",
             escaped(state.command_line, whole));
  return state.running() ? 0 : 1;
}

// The SCM alone calls this. Nobody reads the stderr of a service: what main() would print goes to the event
// log. What an administrator has to change first ends it for good, and all else is tried again.
int run_service(Arguments& arguments) {
  return run_as_service([&arguments] {
    const auto tell = [](const std::exception& error) {
      for (const auto& mistake : conf::mistakes_of(error))
        EventLog().write(EventLog::Level::error, EventLog::Category::none, escaped(mistake, whole));
    };
    try {
      return serve_command.run(arguments);
    } catch (const Unstartable& e) {
      tell(e);
      return Unstartable::exit_status;
    } catch (const UsageError& e) {
      tell(e);
      return Unstartable::exit_status;
    } catch (const std::exception& e) {
      tell(e);
      return 1;
    }
  });
}

int run(Arguments& arguments) {
  const auto what = arguments.take_word("install, remove, start, stop, restart, reload or status");
  if (what == "run") return run_service(arguments);
  arguments.expect_no_more();
  if (what == "install") return install(arguments);
  if (what == "status") return show();
  if (what == "remove") {
    remove_service();
  } else if (what == "start") {
    start_service();
  } else if (what == "stop") {
    stop_service();
  } else if (what == "restart") {
    stop_service();
    start_service();
  } else if (what == "reload") {
    reload_service();
  } else {
    throw UsageError(fmt::format("service {}: it is install, remove, start, stop, restart, reload or status",
                                 escaped(what)));
  }
  return 0;
}

}  // namespace

const Command service_command{"service",
                              "install|remove|start|stop|restart|reload|status",
                              "makes and drives the service of Windows",
                              {},
                              run};

}  // namespace server
