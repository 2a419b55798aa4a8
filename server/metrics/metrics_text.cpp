#include "server/metrics/metrics_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

namespace server {
namespace {

// One page, family by family. All values are numbers and words of ours: nothing needs an escape.
class Page {
 public:
  explicit Page(bool open_metrics) : open_metrics_(open_metrics) {}

  void family(std::string_view name, std::string_view type, std::string_view help,
              std::string_view unit = {}) {
    name_ = name;
    counter_ = type == "counter";
    const bool info = type == "info";
    // The older format names a family by its samples.
    const auto head = fmt::format("apdepot_{}{}", name,
                                  open_metrics_ ? ""
                                  : counter_    ? "_total"
                                  : info        ? "_info"
                                                : "");
    add("# HELP {} {}\n# TYPE {} {}\n", head, help, head, info && !open_metrics_ ? "gauge" : type);
    if (open_metrics_ && !unit.empty()) add("# UNIT {} {}\n", head, unit);
  }
  template <class Number>
  void sample(std::string_view labels, Number value, std::string_view suffix = {}) {
    const auto end = suffix.empty() && counter_ ? "_total" : suffix;
    add("apdepot_{}{}{}{}{} {}\n", name_, end, labels.empty() ? "" : "{", labels, labels.empty() ? "" : "}",
        value);
  }
  void counts(std::string_view name, std::string_view help, const Tally::Counts& counts,
              std::string_view first, std::string_view second = {}, std::string_view unit = {}) {
    family(name, "counter", help, unit);
    for (const auto& [labels, count] : counts)
      sample(second.empty() ? fmt::format("{}=\"{}\"", first, labels.first)
                            : fmt::format("{}=\"{}\",{}=\"{}\"", first, labels.first, second, labels.second),
             count);
  }
  void words(std::string_view name, std::string_view help,
             const std::map<std::string_view, std::uint64_t>& counts, std::string_view label) {
    if (counts.empty()) return;
    family(name, "gauge", help);
    for (const auto& [word, count] : counts) sample(fmt::format("{}=\"{}\"", label, word), count);
  }
  template <class Bounds, class Counts>
  void histogram(const std::string& labels, const Bounds& bounds, const Counts& counts, double sum) {
    std::uint64_t up_to = 0;
    const auto more = labels.empty() ? "" : labels + ",";
    for (std::size_t i = 0; i < counts.size(); ++i) {
      up_to += counts[i];
      const auto bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf";
      sample(fmt::format("{}le=\"{}\"", more, bound), up_to, "_bucket");
    }
    sample(labels, up_to, "_count");
    sample(labels, sum, "_sum");
  }
  std::string take() {
    if (open_metrics_) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
  }

  const bool open_metrics_;
  std::string text_, name_;
  bool counter_ = false;
};

// A text of others as a label's value.
std::string label(const std::string& text) {
  std::string value;
  for (const char each : text) value.append(each == '"' || each == '\\' ? "\\" : "").append(1, each);
  return value;
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string metrics_text(const Tally& tally, const Gauges& gauges, bool open_metrics) {
  Page page(open_metrics);
  page.family("build", "info", "The version of the server.");
  page.sample(fmt::format("version=\"{}\"", gauges.version), 1, "_info");
  page.family("start_time_seconds", "gauge", "When the server started, in seconds since 1970.", "seconds");
  page.sample("", fmt::format("{:.3f}", gauges.started_at));
  page.counts("requests", "TFTP and HTTP requests by what became of them.", tally.requests, "protocol",
              "result");
  page.family("http_requests", "counter",
              "Requests over HTTP, by where they came in and how they were answered.");
  for (const auto& [labels, count] : tally.http_requests)
    page.sample(fmt::format("door=\"{}\",code=\"{}\"", labels.first, labels.second), count);
  page.family("transfers_running", "gauge", "Transfers under way.");
  for (const auto& [protocol, count] : gauges.running)
    page.sample(fmt::format("protocol=\"{}\"", protocol), count);
  page.family("transfers_stalled", "gauge", "Transfers under way whose client has not moved for 10 seconds.");
  page.sample("", gauges.stalled);
  page.counts("transfers", "Transfers that ended.", tally.transfers, "protocol", "result");
  page.counts("transfer_bytes", "Bytes of files that clients and server both have.", tally.bytes, "protocol",
              "direction", "bytes");
  page.family("transfer_duration_seconds", "histogram", "How long transfers took.", "seconds");
  for (const auto& [protocol, histogram] : tally.seconds)
    page.histogram(fmt::format("protocol=\"{}\"", protocol), Tally::durations, histogram.counts,
                   histogram.sum);
  page.family("tftp_resent_packets", "counter", "TFTP packets that were sent more than once.");
  page.sample("", tally.resent);
  page.counts("misses", "Requests for files that are not there.", tally.misses, "protocol", "cause");
  page.counts("remaps", "Requests that were served under another name than the one asked for.", tally.remaps,
              "rule");
  page.counts("logins", "Logins over SSH.", tally.logins, "method", "verdict");
  page.family("ssh_sessions", "gauge", "SSH connections.");
  page.sample("", gauges.sessions);
  page.counts("ssh_dropped", "SSH connections that were closed at once, by the limit that they ran into.",
              tally.dropped, "limit");
  page.counts("controller_messages", "Messages about images that controllers and access points sent.",
              tally.controller_messages, "kind");
  page.counts("syslog_refused", "Lines of syslog that nobody read, by the limit that they ran into.",
              tally.syslog_refused, "limit");
  page.counts("imports", "Bundles in drop/.", tally.imports, "result");
  page.counts("warnings", "Warnings that the log has, by what they are about.", tally.warnings, "kind");
  if (gauges.releases) {
    page.family("releases", "gauge", "Releases that are served.");
    page.sample("", *gauges.releases);
  }
  if (gauges.unverified) {
    page.family("releases_unverified", "gauge", "Releases that nobody could check.");
    page.sample("", *gauges.unverified);
  }
  page.words("devices", "Devices, by what they are.", gauges.devices, "kind");
  if (!gauges.rollout.empty()) {
    page.family("rollout_devices", "gauge",
                "Devices, by how far they are with the release that they should have.");
    for (const auto& [status, count] : gauges.rollout)
      page.sample(fmt::format("release=\"{}\",status=\"{}\"", label(gauges.goal), status), count);
  }
  page.words("health", "Checks of the doctor, by what they found.", gauges.health, "state");
  if (gauges.free) {
    page.family("depot_free_bytes", "gauge", "Bytes that are free for the depot.", "bytes");
    page.sample("", *gauges.free);
  }
  if (gauges.last_import) {
    page.family("import_last_success_timestamp_seconds", "gauge",
                "When a bundle was published last, since the start, in seconds since 1970.", "seconds");
    page.sample("", fmt::format("{:.3f}", *gauges.last_import));
  }
  std::array<double, LoopTurns::bounds.size() - 1> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = seconds(LoopTurns::bounds[i]);
  page.family("loop_turn_longest_seconds", "gauge", "The longest turn of the loop so far, in CPU time.",
              "seconds");
  page.sample("", seconds(gauges.turns.longest));
  page.family("loop_turns", "counter", "Turns of the loop, by the CPU time that they took.");
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i < gauges.turns.counts.size(); ++i) {
    up_to += gauges.turns.counts[i];
    page.sample(fmt::format("up_to=\"{}\"", i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf"),
                up_to);
  }
  return page.take();
}

}  // namespace server
