#pragma once
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/loop/net.hpp"

namespace conf {
struct Web;
}  // namespace conf
namespace storage {
class Depot;
}  // namespace storage

namespace server {

class Events;
class LiveSettings;
struct Lanes;

// The certificate that page and images show over TLS: web.certificate, or one that the server makes in
// state/. A worker loads it, also after each reload and once a day, for certificates are renewed under the
// same name. Lives on the loop; outlived by what it is given.
class ServedCertificate {
 public:
  using Context = std::shared_ptr<net::ssl::context>;

  ServedCertificate(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
                    const storage::Depot& depot)
      : lanes_(lanes), events_(events), settings_(settings), depot_(depot), renewal_(loop) {}

  void want() { wanted_ = true; }  // something is served over TLS
  // Where it is wanted, loads it: at the start and after a reload. What is there goes on where the new one
  // cannot be used; that is a warning.
  void load();
  void stop() { renewal_.cancel(); }
  // Called whenever another one is in use.
  void when_loaded(std::function<void()> call) { when_loaded_ = std::move(call); }

  // For new connections; nothing: there is none yet.
  const Context& context() const { return context_; }
  // When the administrator's own ends. Nothing: there is none; the server renews its own in time.
  std::optional<std::chrono::sys_seconds> ends_at() const { return ends_at_; }
  const std::string& fingerprint() const { return fingerprint_; }  // SHA-256: "A1:B2:..."; empty: none yet

 private:
  struct Loaded;
  static Loaded read(const conf::Web& web, const std::filesystem::path& state);
  void use(const Loaded& loaded);

  Lanes& lanes_;
  Events& events_;
  const LiveSettings& settings_;
  const storage::Depot& depot_;
  bool wanted_ = false;
  Context context_;
  std::string fingerprint_;
  std::optional<std::chrono::sys_seconds> ends_at_;
  std::function<void()> when_loaded_;
  net::steady_timer renewal_;
};

}  // namespace server
