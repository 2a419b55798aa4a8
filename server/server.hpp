#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "conf/load.hpp"
#include "server/importer.hpp"
#include "server/listen.hpp"
#include "server/log_writer.hpp"
#include "server/ssh_service.hpp"
#include "server/tftp_service.hpp"

namespace server {

// The running process: what is made, in which order, and how it ends. One loop on one thread, the caller's of
// run().
class Server {
 public:
  // Where the settings came from.
  struct Origin {
    std::string program;                   // as the administrator called it
    std::string config;                    // the file; empty for the built-in defaults
    std::function<conf::Loaded()> reload;  // throws conf::ConfigError
  };

  // Binds the ports. Throws ListenError, or std::exception when the depot or the log cannot be had.
  Server(conf::Loaded loaded, const ListenPlan& plan, Origin origin);

  // Tells "apdepot ready: ...", serves until SIGTERM or Ctrl-C, lets running transfers end, at most
  // settings.drain long. A second Ctrl-C ends at once.
  void run();

 private:
  void try_to_log(const Event& event) noexcept;
  void log(const Event& event);
  void run_loop();
  void tell_broken_off(const std::exception& error) noexcept;
  std::string ready_line() const;
  void make_catalogue();
  void make_host_keys();
  void check_users();
  void sweep_staging();
  void start_importer();
  net::awaitable<void> heed_signals();
  void reload();
  void put_in_force(conf::Loaded loaded);
  void begin_drain();
  void drain();
  void end();
  bool workers_are_busy() const;

  net::io_context loop_{1};
  const std::shared_ptr<const conf::Settings> settings_;  // those of the start
  const std::vector<std::string> warnings_;
  const Origin origin_;
  std::optional<LogWriter> writer_;
  std::uint64_t unlogged_ = 0;  // events, for want of memory
  Events events_;
  LoopMeter meter_;
  storage::Depot depot_;
  storage::LiveCatalogue catalogue_{depot_};
  Workers disk_, content_, explaining_, negotiating_, hashing_, importing_;
  Shared shared_;
  TftpService tftp_;
  SshService ssh_;
  std::optional<Importer> importer_;
  std::vector<std::string> tftp_addresses_, ssh_addresses_, notes_;
  bool usual_ports_ = true;
  net::signal_set signals_;
  net::steady_timer drain_timer_;
  bool draining_ = false;
};

}  // namespace server
