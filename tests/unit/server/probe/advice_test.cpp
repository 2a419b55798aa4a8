#include "server/probe/advice.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace server::probe;

namespace {

Report report_of(Cause cause) {
  Report report;
  report.cause = cause;
  report.host = "192.0.2.2";
  report.server = "192.0.2.2:69";
  report.from = "192.0.2.2:41231";
  return report;
}

Advice advice_on(Cause cause) { return advice_for(cause, report_of(cause)); }

Advice advice_on_status(unsigned status, std::string nearest = {}) {
  auto report = report_of(Cause::status);
  report.status = status;
  report.nearest = std::move(nearest);
  return advice_for(Cause::status, report);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("each cause has a reason of its own and something to look at") {
  std::set<std::string> reasons;
  int causes = 0;
  for (auto cause = Cause::no_address; cause <= Cause::status;
       cause = static_cast<Cause>(static_cast<int>(cause) + 1), ++causes) {
    CAPTURE(cause_name(cause));
    const auto advice = advice_on(cause);
    CHECK_FALSE(advice.likely.empty());
    CHECK_FALSE(advice.check.empty());
    reasons.insert(advice.likely);
  }
  CHECK(static_cast<int>(reasons.size()) == causes);
}

TEST_CASE("what a controller prints is named only where a log shows it") {
  for (const auto cause : {Cause::timed_out, Cause::half_way, Cause::wrong_source, Cause::fragments,
                           Cause::wrap, Cause::stalled})
    CHECK(advice_on(cause).prints == "Timed out");
  for (const auto cause : {Cause::not_found, Cause::is_folder})
    CHECK(advice_on(cause).prints == "No such file or directory");
  for (const auto cause :
       {Cause::no_address, Cause::no_route, Cause::refused, Cause::options, Cause::access, Cause::error,
        Cause::too_short, Cause::empty, Cause::different, Cause::not_an_image, Cause::algorithms,
        Cause::host_key, Cause::login, Cause::no_sftp, Cause::tls, Cause::status})
    CHECK(advice_on(cause).prints.empty());
}

TEST_CASE("an advice names the addresses that it is about") {
  CHECK(has(advice_on(Cause::no_route).check, "`ip route get 192.0.2.2`"));
  CHECK(has(advice_on(Cause::timed_out).check, "`ping 192.0.2.2`"));
  CHECK(has(advice_on(Cause::stalled).check, "`ping -c 100 192.0.2.2`"));
  CHECK(has(advice_on(Cause::half_way).likely, "its port 192.0.2.2:41231"));
  CHECK(has(advice_on(Cause::wrong_source).check, "tftp.listen: [\"192.0.2.2:69\"]"));
  auto report = report_of(Cause::host_key);
  report.fingerprint = "ssh-ed25519 SHA256:abc";
  CHECK(has(advice_for(Cause::host_key, report).check, "must print ssh-ed25519 SHA256:abc;"));
}

TEST_CASE("silence is looked for in another place over TCP than over UDP") {
  CHECK(has(advice_on(Cause::timed_out).check, "stops UDP 69"));
  auto report = report_of(Cause::timed_out);
  report.over_tcp = true;
  const auto advice = advice_for(Cause::timed_out, report);
  CHECK(advice.prints == "Timed out");
  CHECK(has(advice.check, "`ping 192.0.2.2`"));
  CHECK(has(advice.check, "a firewall stops the TCP port"));
  CHECK_FALSE(has(advice.check, "tftp."));
  CHECK(advice_for(Cause::stalled, report).check == advice_on(Cause::stalled).check);
}

TEST_CASE("what the depot of this host says of a path is the reason why it is not found") {
  auto report = report_of(Cause::not_found);
  CHECK(has(advice_for(Cause::not_found, report).likely, "the path is wrong"));
  report.nearest = "ap1g6 is in /EWC/17_9_4a";
  CHECK(advice_for(Cause::not_found, report).likely == "in this host's depot: ap1g6 is in /EWC/17_9_4a");
  CHECK(has(advice_on_status(404).likely, "the path is wrong"));
  CHECK(advice_on_status(404, "ap1g6 is in /EWC").likely == "in this host's depot: ap1g6 is in /EWC");
}

TEST_CASE("a status of HTTP means that the server leads elsewhere, has no such file, or refuses") {
  for (const unsigned status : {300U, 301U, 307U, 399U})
    CHECK(has(advice_on_status(status).likely, "devices do not follow"));
  for (const unsigned status : {204U, 299U, 400U, 403U, 405U, 500U, 503U}) {
    CHECK(has(advice_on_status(status).likely, "does not let this client have it"));
    CHECK(has(advice_on_status(status, "ap1g6 is in /EWC").check, "tftp.allow"));
  }
}
