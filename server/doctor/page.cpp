#include "server/doctor/page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "conf/settings.hpp"
#include "server/accounts/users.hpp"
#include "server/doctor/check.hpp"
#include "server/loop/net.hpp"
#include "server/os/host_text.hpp"
#include "server/os/identity.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = std::chrono::days(30);
std::string renewal() {
  return fmt::format("renew the files of web.certificate and web.key, and `{}`", host::reload);
}

// The server serves the page in the clear there, and nowhere else.
bool is_loopback(const conf::Endpoint& endpoint) {
  error_code error;
  const auto address = net::ip::make_address(endpoint.address, error);
  return !error && address.is_loopback();
}

void read_certificate(const conf::Web& web, const storage::Depot& depot, PageReading& reading) {
  reading.renewed = !web.certificate || !web.key;
  try {
    reading.certificate =
        reading.renewed ? made_certificate(depot.state()) : load_certificate(*web.certificate, *web.key);
  } catch (const std::exception& e) {
    reading.trouble = e.what();
  }
}

void judge_certificate(const PageReading& reading, std::chrono::system_clock::time_point now,
                       Result& result) {
  if (!reading.trouble.empty()) {
    if (reading.may_read) return result.fails("HTTPS is not served: " + escaped(reading.trouble, whole));
    return result.unknown(
        "this user cannot read the certificate for HTTPS and its key: root and the server's user can");
  }
  if (!reading.certificate) return;
  const auto& certificate = *reading.certificate;
  if (reading.renewed) return;
  if (certificate.ends_at <= now) {
    result.fails(fmt::format("the certificate for HTTPS ended {}: clients refuse it", certificate.ends()),
                 renewal());
  } else if (certificate.ends_at - now < soon) {
    result.look(fmt::format("the certificate for HTTPS ends {}", certificate.ends()), renewal());
  }
}

std::vector<std::string> texts(const std::vector<conf::Endpoint>& endpoints) {
  std::vector<std::string> all;
  for (const auto& endpoint : endpoints) all.push_back(endpoint.text());
  return all;
}

Result run(const Sight& sight) {
  const auto& settings = *sight.settings;
  PageReading reading;
  reading.wanted = settings.web.listen;
  if (const auto& server = sight.server.server) reading.served = server->web;
  reading.tls = !std::ranges::all_of(settings.web.listen, is_loopback) ||
                std::ranges::any_of(settings.http.listen, &conf::HttpEndpoint::tls);
  const auto owner = server_account(sight.depot->directory());
  reading.may_read = sight.root || (owner && owner->uid == own_account().uid);
  if (reading.tls) read_certificate(settings.web, *sight.depot, reading);
  reading.has_admin = Users(*sight.depot).has_web_admin(std::make_shared<const conf::Settings>(settings));
  return judge_page(reading, std::chrono::system_clock::now());
}

}  // namespace

Result judge_page(const PageReading& reading, std::chrono::system_clock::time_point now) {
  Result result;
  if (reading.tls) judge_certificate(reading, now, result);
  const bool off = reading.wanted.empty() && (!reading.served || reading.served->empty());
  if (off) return std::move(result).or_ok("the page is switched off: web.listen is []");
  if (reading.served && reading.served->empty())
    result.look("the server runs and does not serve the page: its log says why", host::log_warnings);
  if (!reading.has_admin)
    result.look(
        "nobody may change anything on the page yet: who opens this address becomes its first "
        "administrator",
        "apdepot web code");
  const auto until = reading.certificate ? ", with a certificate until " + reading.certificate->ends() : "";
  return std::move(result).or_ok(
      reading.served ? fmt::format("served at {}{}", fmt::join(*reading.served, ", "), until)
                     : fmt::format("to be served at {}{}", fmt::join(texts(reading.wanted), ", "), until));
}

const Check page_check{"page", "page", nullptr, run, true};

}  // namespace server::doctor
