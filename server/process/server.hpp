#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "conf/load.hpp"
#include "server/certificates/served_certificate.hpp"
#include "server/drop/importer.hpp"
#include "server/events/events.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/history/history.hpp"
#include "server/http/image_service.hpp"
#include "server/log/budget.hpp"
#include "server/log/writer.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/meter.hpp"
#include "server/os/confinement.hpp"
#include "server/os/identity.hpp"
#include "server/os/interface_watch.hpp"
#include "server/os/signals.hpp"
#include "server/process/control.hpp"
#include "server/process/images_watch.hpp"
#include "server/process/listening.hpp"
#include "server/process/release_count.hpp"
#include "server/process/supervision.hpp"

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

  // Binds the ports, and then becomes `account`, before any thread is started and anything that a client sent
  // is read; without one it stays who it is. Then it confines itself (confinement.hpp). Throws ListenError,
  // conf::ConfigError where the log may not be written, or std::exception when that cannot be done, or the
  // depot or the log cannot be used. What the service manager handed over is used in place of ports of its
  // own.
  Server(conf::Loaded loaded, const ListenPlan& plan, Origin origin,
         const std::optional<Account>& account = std::nullopt);

  // Tells "apdepot ready: ...", serves until SIGTERM or Ctrl-C, lets running transfers end, at most
  // settings.drain long. A second Ctrl-C ends at once.
  void run();

 private:
  // Binds what `plan` says, and gives up what only that took.
  Listeners bind(const ListenPlan& plan, const std::optional<Account>& account);
  void open_log();
  void note_unreadable_config();
  void try_to_log(const Event& event) noexcept;
  void log(const Event& event);
  void write(const Event& event);
  void tell_left_out();
  void run_loop();
  void start_coroutine(net::awaitable<void> coroutine, std::string what);
  void bound_open_files();
  Api::Now told_of_now();
  void tell_broken_off(const std::exception& error) noexcept;
  std::string ready_line() const;
  std::string setup_line() const;
  void watch_interfaces();
  void tell_of_images_beside();
  void count_uploads();
  void make_host_keys();
  void load_certificate();
  void check_users();
  void sweep_staging();
  bool start_importer();  // false: drop/ is not watched
  void heed(HostSignal signal);
  void reload();
  void put_in_force(conf::Loaded loaded);
  void keep_readable_files(conf::Loaded& loaded, const conf::Settings& present) const;
  void follow_addresses();
  void begin_drain();
  void drain();
  void end();

  Running running_{events_};  // what waits in the loop is among them until the loop goes
  net::io_context loop_{1};
  const std::shared_ptr<const conf::Settings> settings_;  // those of the start
  const std::vector<std::string> warnings_;
  const Origin origin_;
  const std::optional<Account> account_;  // whom root became
  Listeners listeners_;                   // until the services have them; before all that starts a thread
  std::optional<LogWriter> writer_;
  LogBudget budget_;
  net::steady_timer left_out_timer_;
  std::uint64_t unlogged_ = 0;  // events, for want of memory
  std::uint64_t reloads_ = 0;   // begun so far
  Events events_;
  History history_;
  LoopMeter meter_;
  Library library_;
  const UsedPlaces places_;
  const Confinement confinement_;  // before all that starts a thread, or reads what a client sent
  Lanes lanes_;
  LiveSettings in_force_;
  ImagesWatch images_;
  TftpService tftp_;
  SshService ssh_;
  ServedCertificate certificate_;
  http::ImageService http_;
  SyslogService syslog_;
  Listening listening_;
  ReleaseCount releases_;
  Supervision supervision_;
  Control control_;
  std::optional<Importer> importer_;
  std::optional<InterfaceWatch> interfaces_;
  net::steady_timer interface_timer_;
  HostSignals signals_;
  net::steady_timer drain_timer_, one_port_timer_;
  bool draining_ = false;
  bool ending_ = false;  // nobody is served any more, and no turn is measured
};

}  // namespace server
