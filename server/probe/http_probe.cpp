#include "server/probe/http_probe.hpp"

#include <fmt/format.h>

#include "server/http/fetch.hpp"
#include "server/probe/connect.hpp"
#include "server/probe/watchdog.hpp"
#include "server/text/escape.hpp"

namespace server::probe {
namespace {

using Clock = std::chrono::steady_clock;

class Probe {
 public:
  Probe(const Target& target, const HttpManner& manner, const std::optional<Recorded>& recorded,
        const Progress& progress, Report& report)
      : target_(target),
        manner_(manner),
        recorded_(recorded),
        progress_(progress),
        report_(report),
        content_(target.path.substr(target.path.rfind('/') + 1)) {
    report_.over_tcp = true;
  }

  void run() {
    net::io_context loop;
    tcp::socket socket(loop);
    if (!connect_to(target_, manner_.patience, loop, socket, report_)) return;
    Watchdog watchdog(socket.native_handle(), manner_.patience);
    const bool tls = target_.scheme == Target::Scheme::https;
    const std::uint16_t usual = tls ? 443 : 80;
    const auto answer = http::fetch(
        socket,
        {target_.host, target_.port == usual ? "" : fmt::format(":{}", target_.port), target_.path, tls},
        {[this](const http::FetchAnswer& head) { return heed(head); },
         [this](std::span<const std::byte> bytes) { take(bytes); }, [&watchdog] { watchdog.feed(); }});
    judge(answer, watchdog.has_bitten());
  }

 private:
  void fail(Cause cause, std::string what) {
    report_.cause = cause;
    report_.what = std::move(what);
  }

  bool heed(const http::FetchAnswer& answer) {
    report_.answered_after = std::chrono::duration<double>(Clock::now() - began_).count();
    report_.announced = answer.size;
    began_ = Clock::now();
    return answer.distrust.empty() || manner_.insecure;
  }

  void take(std::span<const std::byte> bytes) {
    content_.update(bytes);
    report_.bytes = content_.size();
    report_.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    progress_(content_.size(), report_.announced);
  }

  void judge(const http::FetchAnswer& answer, bool silent) {
    if (!answer.certificate.empty())
      report_.notes.push_back("certificate " + escaped(answer.certificate, most_of_ours));
    const auto nothing =
        fmt::format("nothing came for {:.0f} s", std::chrono::duration<double>(manner_.patience).count());
    if (!answer.handshake.empty())
      return fail(Cause::tls, silent ? nothing + " in the TLS handshake"
                                     : "the TLS handshake failed: " + escaped(answer.handshake));
    if (!answer.distrust.empty() && !manner_.insecure)
      return fail(Cause::tls, fmt::format("the certificate is not trusted: {}", escaped(answer.distrust)));
    if (!answer.distrust.empty()) report_.notes.push_back("not trusted: " + escaped(answer.distrust));
    if (answer.status == 0)
      return silent ? fail(Cause::timed_out, nothing + " in answer to the request")
                    : fail(Cause::error, "no answer of HTTP came: " + escaped(answer.broke_off));
    if (answer.status != 200) return refuse(answer);
    const auto after = fmt::format("after {} bytes", content_.size());
    if (silent) return fail(Cause::stalled, nothing + " " + after);
    auto fault = content_.finish(report_.announced, recorded_, report_);
    if (fault) return fail(fault->cause, std::move(fault->what));
    if (!answer.broke_off.empty())
      fail(Cause::stalled, fmt::format("it broke off {}: {}", after, escaped(answer.broke_off)));
  }

  void refuse(const http::FetchAnswer& answer) {
    report_.status = answer.status;
    auto what = fmt::format("the server answered {}", answer.status);
    if (!answer.location.empty())
      what += fmt::format(", go to {}, which devices do not", escaped(answer.location));
    const auto line = answer.text.substr(0, answer.text.find_first_of("\r\n"));
    if (answer.type.starts_with("text/plain") && !line.empty()) what += ": " + escaped(line);
    fail(Cause::status, std::move(what));
  }

  const Target& target_;
  const HttpManner& manner_;
  const std::optional<Recorded>& recorded_;
  const Progress& progress_;
  Report& report_;
  Content content_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace

void probe_http(const Target& target, const HttpManner& manner, const std::optional<Recorded>& recorded,
                const Progress& progress, Report& report) {
  Probe(target, manner, recorded, progress, report).run();
}

}  // namespace server::probe
