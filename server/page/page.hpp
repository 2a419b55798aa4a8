#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/accounts/tokens.hpp"
#include "server/accounts/users.hpp"
#include "server/certificates/served_certificate.hpp"
#include "server/http/listener.hpp"
#include "server/loop/fair_workers.hpp"
#include "server/page/assets.hpp"
#include "server/page/login_limits.hpp"
#include "server/page/sessions.hpp"
#include "server/page/setup_code.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace server {

class Events;
class LiveSettings;
struct Lanes;

// The page's door: who comes in, who is logged in, the first administrator, the page's files.
// Lives on the loop; outlived by what it is given.
class Page : public http::Gate {
 public:
  Page(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
       const storage::Depot& depot, ServedCertificate& certificate);

  // Its endpoints: docs/api.md.
  void offer(http::Router& router);
  // Serves the page on them: over TLS where the address is not loopback. Blocks for a moment: before the loop
  // runs.
  void begin(std::vector<tcp::acceptor> acceptors, http::Listener& listener);

  std::vector<std::string> urls() const { return urls_; }  // "http://127.0.0.1:8069"
  // Where the first administrator sets himself up: "http://127.0.0.1:8069/#code=K7Q2-9FXM"; empty where there
  // is one, or no page.
  std::string setup_url() const;
  // `text`, for who may not become an administrator by it: without the code.
  std::string without_code(std::string text) const;

  net::awaitable<std::optional<http::Reply>> admit(const http::Head& head, http::Request& request) override;
  net::awaitable<bool> still_admits(const http::Head& head, const http::Request& request) override;
  bool is_proxy(const net::ip::address& peer) const override;
  std::vector<std::pair<std::string, std::string>> headers(bool secure) const override;

 private:
  struct Verdict;
  net::awaitable<std::optional<http::Reply>> admit_token(std::string token, http::Request& request);
  net::awaitable<void> admit_session(const http::Head& head, http::Request& request);
  net::awaitable<bool> holds(const Sessions::Session& session, const http::Request& request);
  void find_client(const http::Head& head, http::Request& request) const;

  void tell_about(http::Respond respond);
  http::Reply session(const http::Request& request);
  http::Reply log_out(const http::Request& request);
  void log_in(const http::Request& request, http::Respond respond);
  void conclude(const http::Request& request, const std::optional<Verdict>& verdict, http::Respond respond);
  void set_up(const http::Request& request, http::Respond respond);
  http::Reply code() const;
  http::Reply fingerprint() const;
  // Nothing: a try may begin; else the answer of one that comes too often.
  std::optional<http::Reply> too_often(const http::Request& request, const std::string& user);

  net::io_context& loop_;
  Lanes& lanes_;
  Events& events_;
  const LiveSettings& settings_;
  const storage::Depot& depot_;
  ServedCertificate& certificate_;
  const Assets assets_;
  Users users_;
  Tokens tokens_;
  Sessions sessions_;
  LoginLimits limits_;
  SetupCode code_;
  // The name of who becomes the first administrator: expires when that ends, or breaks off because memory is
  // short.
  std::weak_ptr<const std::string> setting_up_;
  FairWorkers hashing_;
  std::vector<std::string> urls_;
  std::string reached_by_;  // the first of them, as one types it in
};

}  // namespace server
