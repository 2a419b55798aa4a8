#include "server/doctor/page.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace server::doctor;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::sys_seconds now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 29}};

PageReading in_the_clear() {
  PageReading reading;
  reading.wanted = {{"127.0.0.1", 8069}};
  reading.served = {"http://127.0.0.1:8069"};
  reading.has_admin = true;
  return reading;
}

PageReading over_tls(std::chrono::sys_seconds ends) {
  auto reading = in_the_clear();
  reading.wanted = {{"0.0.0.0", 8069}};
  reading.served = {"https://0.0.0.0:8069"};
  reading.tls = true;
  reading.certificate.emplace().ends_at = ends;
  return reading;
}

Finding worst(const PageReading& reading) { return judge_page(reading, now).findings().front(); }

}  // namespace

TEST_CASE("a page that is served and has an administrator is well, and so is none") {
  CHECK(worst(in_the_clear()) == Finding{State::ok, "served at http://127.0.0.1:8069", ""});
  CHECK(worst(over_tls(now + 24h * 90)) ==
        Finding{State::ok, "served at https://0.0.0.0:8069, with a certificate until 2027-02-27", ""});
  auto stopped = in_the_clear();
  stopped.served.reset();
  CHECK(worst(stopped).found == "to be served at 127.0.0.1:8069");
  PageReading off;
  CHECK(worst(off) == Finding{State::ok, "the page is switched off: web.listen is []", ""});
}

TEST_CASE("a page without an administrator, and one that is not served, are to look at") {
  auto reading = in_the_clear();
  reading.has_admin = false;
  CHECK(worst(reading).fix == "apdepot web code");
  CHECK(judge_page(reading, now).state() == State::look);
  reading = in_the_clear();
  reading.served.emplace();
  CHECK(judge_page(reading, now).state() == State::look);
}

TEST_CASE("the administrator's certificate is to be renewed in time, and the server renews its own") {
  CHECK(judge_page(over_tls(now + 24h * 30), now).state() == State::ok);
  CHECK(worst(over_tls(now + 24h * 29)).found == "the certificate for HTTPS ends 2026-12-28");
  CHECK(judge_page(over_tls(now + 24h * 29), now).state() == State::look);
  CHECK(judge_page(over_tls(now), now).state() == State::fails);
  auto own = over_tls(now + 24h);
  own.renewed = true;
  CHECK(judge_page(own, now).state() == State::ok);
}

TEST_CASE("a certificate that cannot be used fails, and unknown is what this user may not read") {
  auto reading = over_tls(now);
  reading.certificate.reset();
  reading.trouble = "a.key is not the key of a.crt";
  CHECK(worst(reading) == Finding{State::fails, "HTTPS is not served: a.key is not the key of a.crt", ""});
  reading.may_read = false;
  CHECK(judge_page(reading, now).state() == State::unknown);
}

TEST_CASE("images over HTTPS have their certificate looked at without a page, too") {
  auto reading = over_tls(now);
  reading.wanted.clear();
  reading.served.emplace();
  CHECK(judge_page(reading, now).state() == State::fails);
}
