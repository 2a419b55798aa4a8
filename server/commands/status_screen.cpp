#include "server/commands/status_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "server/text/escape.hpp"
#include "server/text/json_reader.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

constexpr unsigned wide = 132;  // from here on all columns
constexpr std::size_t most_trouble = 5, most_verdicts = 3, most_imports = 3;

YAML::Node load(const std::string& json) { return read_json(json, "the server's answer"); }

std::string text(const YAML::Node& node, const char* key) { return text_said(node, key); }

std::uint64_t number(const YAML::Node& node, const char* key) {
  return member<std::uint64_t>(node, key).value_or(0);
}

double seconds_between(const std::string& from, const std::string& to) {
  return static_cast<double>(seconds_of(to).value_or(0) - seconds_of(from).value_or(0));
}

StatusView::Transfer transfer_of(const YAML::Node& node) {
  StatusView::Transfer transfer;
  transfer.id = number(node, "id");
  transfer.client = text(node, "client");
  const auto path = text(node, "path");
  transfer.name = path.substr(path.rfind('/') + 1);
  transfer.protocol = text(node, "protocol");
  transfer.user = text(node, "user");
  transfer.state = text(node, "state");
  transfer.size = member<std::uint64_t>(node, "size");
  transfer.bytes = number(node, "bytes");
  transfer.resent = number(node, "resent");
  transfer.rate = member<double>(node, "rate").value_or(0);
  transfer.left = member<double>(node, "left_s");
  transfer.stalled = member<double>(node, "stalled_s").value_or(0);
  if (const auto block = member<unsigned>(node, "block_size"))
    transfer.options = fmt::format("{} x {}", *block, number(node, "window"));
  return transfer;
}

int percent(const StatusView::Transfer& transfer) {
  if (!transfer.size) return -1;
  if (*transfer.size == 0) return 100;
  return static_cast<int>(static_cast<double>(transfer.bytes) * 100 / static_cast<double>(*transfer.size));
}

std::string bar(int percent, unsigned width, bool utf8) {
  if (!utf8) {
    const auto full = static_cast<std::size_t>(std::clamp(percent, 0, 100)) * (width - 2) / 100;
    return fmt::format("[{:.<{}}]", std::string(full, '#'), width - 2);
  }
  static constexpr std::array<const char*, 8> eighths{"·", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto all = static_cast<std::size_t>(std::clamp(percent, 0, 100)) * width * 8 / 100;
  std::string text;
  for (unsigned i = 0; i < width; ++i) text += i < all / 8 ? "█" : i == all / 8 ? eighths[all % 8] : "·";
  return text;
}

// Whether a character begins with this byte.
bool is_first(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }

// Characters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, is_first));
}

// At most `width` characters, with "~" for a cut.
std::string cut(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if (is_first(text[end]) && ++seen == width) break;
  text.resize(end);
  return text + "~";
}

// The same, with blanks up to there.
std::string fit(const std::string& text, std::size_t width) {
  auto fitting = cut(text, width);
  fitting.append(width - width_of(fitting), ' ');
  return fitting;
}

std::string row(const StatusView::Transfer& transfer, const Screen& screen) {
  const bool all = screen.columns >= wide;
  const int done = percent(transfer);
  const bool still = transfer.state != "moving";
  const auto rate = transfer.state == "stalled"   ? fmt::format("still {}", clock_text(transfer.stalled))
                    : transfer.state == "waiting" ? std::string("no answer")
                                                  : rate_text(transfer.rate);
  const auto left = transfer.left ? clock_text(*transfer.left) : std::string("-");
  auto line = fmt::format("{} {:>4} {} {} {} {:>11} {:>7}", still ? "!" : " ",
                          done < 0 ? "" : fmt::format("{}%", done), bar(done, all ? 16 : 8, screen.utf8),
                          fit(transfer.client, 15), fit(transfer.name, all ? 24 : 17), rate, left);
  if (!all) return line;
  const auto moved = transfer.size
                         ? fmt::format("{} of {}", size_text(transfer.bytes), size_text(*transfer.size))
                         : size_text(transfer.bytes);
  const auto by = transfer.user.empty() ? transfer.protocol : transfer.protocol + " " + transfer.user;
  return fmt::format("{} {:>20} {} {} {:>5}", line, moved, fit(by, 9), fit(transfer.options, 10),
                     transfer.resent > 0 ? fmt::format("{}", transfer.resent) : "");
}

std::string heading(const Screen& screen) {
  const bool all = screen.columns >= wide;
  auto line = fmt::format("{:>6} {} {} {} {:>11} {:>7}", "%", std::string(all ? 16 : 8, ' '),
                          fit("CLIENT", 15), fit("FILE", all ? 24 : 17), "RATE", "LEFT");
  if (all) line += fmt::format(" {:>20} {} {} {:>5}", "MOVED", fit("BY", 9), fit("OPTIONS", 10), "RSNT");
  return line;
}

// What needs somebody first, then what has least.
bool comes_before(const StatusView::Transfer& a, const StatusView::Transfer& b) {
  const auto rank = [](const StatusView::Transfer& transfer) {
    return std::pair(transfer.state == "stalled"   ? 0
                     : transfer.state == "waiting" ? 1
                                                   : 2,
                     percent(transfer));
  };
  return rank(a) < rank(b);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::vector<StatusView::Verdict> verdicts_of(const YAML::Node& status) {
  std::vector<StatusView::Verdict> verdicts;
  for (const auto& each : status["verdict"])
    if (text(each, "state") != "ok") verdicts.push_back({text(each, "text"), text(each, "fix")});
  return verdicts;
}

std::vector<StatusView::Import> imports_of(const YAML::Node& status) {
  std::vector<StatusView::Import> imports;
  const auto told = status["imports"];
  if (!told || !told.IsMap()) return imports;
  for (const auto& each : told["running"])
    imports.push_back({text(each, "file"), text(each, "step"), member<unsigned>(each, "percent")});
  return imports;
}

std::optional<StatusView::Goal> goal_of(const YAML::Node& status) {
  const auto rollout = status["rollout"];
  if (!rollout || !rollout.IsMap()) return {};
  return StatusView::Goal{text(rollout, "version"), number(rollout, "have"), number(rollout, "of")};
}

// What fixes something has a line of its own, which is never cut.
void add_verdicts(std::vector<std::string>& lines, const StatusView& view, const Screen& screen) {
  const auto told = std::min(view.verdicts.size(), most_verdicts);
  for (std::size_t i = 0; i < told; ++i) {
    lines.push_back(cut("! " + view.verdicts[i].text, screen.columns));
    if (!view.verdicts[i].fix.empty()) lines.push_back("  fix: " + view.verdicts[i].fix);
  }
  if (told < view.verdicts.size())
    lines.push_back(fmt::format("  {} more: `apdepot status --json`", view.verdicts.size() - told));
}

void add_imports(std::vector<std::string>& lines, const StatusView& view, const Screen& screen) {
  const auto told = std::min(view.imports.size(), most_imports);
  for (std::size_t i = 0; i < told; ++i) {
    const auto& each = view.imports[i];
    const auto far =
        each.percent
            ? fmt::format(", {} {} %", bar(static_cast<int>(*each.percent), 8, screen.utf8), *each.percent)
            : "";
    lines.push_back(cut(fmt::format("importing {}: {}{}", each.file, each.step, far), screen.columns));
  }
}

// On a screen that is so wide.
std::size_t rows_of(const std::vector<std::string>& lines, unsigned columns) {
  std::size_t rows = 0;
  for (const auto& line : lines) rows += 1 + (line.empty() ? 0 : (width_of(line) - 1) / columns);
  return rows;
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 999.5 && unit + 1 < units.size()) {
    amount /= 1000;
    ++unit;
  }
  return unit == 0 || amount >= 99.95 ? fmt::format("{:.0f} {}", amount, units[unit])
                                      : fmt::format("{:.1f} {}", amount, units[unit]);
}

std::string rate_text(double bytes_a_second) {
  return size_text(static_cast<std::uint64_t>(std::max(bytes_a_second, 0.0))) + "/s";
}

std::string clock_text(double seconds) {
  const auto all = static_cast<std::uint64_t>(std::llround(std::max(seconds, 0.0)));
  if (all >= 3600) return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
  return fmt::format("{}:{:02}", all / 60, all % 60);
}

std::string age_text(double seconds) {
  const auto minutes = static_cast<std::uint64_t>(std::max(seconds, 0.0)) / 60;
  if (minutes >= 24 * 60) return fmt::format("{} d {} h", minutes / (24 * 60), minutes / 60 % 24);
  if (minutes >= 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  return fmt::format("{} min", minutes);
}

StatusView status_view(const std::string& status_json, const std::string& transfers_json,
                       const std::string& recent_json) {
  const auto status = load(status_json), transfers = load(transfers_json), recent = load(recent_json);
  StatusView view;
  view.version = text(status, "version");
  view.depot = text(status, "depot");
  view.now = text(status, "now");
  view.up = seconds_between(text(status, "started_at"), view.now);
  view.draining = member<bool>(status, "draining").value_or(false);
  view.running = number(status["transfers"], "running");
  view.stalled = number(status["transfers"], "stalled");
  view.sessions = number(status, "sessions");
  view.releases = member<std::uint64_t>(status, "releases");
  view.whole = number(status["since_start"], "whole");
  view.broke_off = number(status["since_start"], "broke_off");
  view.misses = number(status["since_start"], "misses");
  view.host = text(status, "host");
  view.verdicts = verdicts_of(status);
  view.imports = imports_of(status);
  view.goal = goal_of(status);
  for (const auto& each : transfers["items"]) view.transfers.push_back(transfer_of(each));
  std::ranges::stable_sort(view.transfers, comes_before);
  for (const auto& each : recent["misses"])
    view.trouble.push_back(
        {text(each, "at"), text(each, "client"), text(each, "cause") + ": " + text(each, "text")});
  for (const auto& each : recent["ended"])
    if (member<bool>(each, "trouble").value_or(false))
      view.trouble.push_back({text(each, "at"), text(each, "client"), text(each, "text")});
  std::ranges::stable_sort(view.trouble, std::ranges::greater{}, &StatusView::Line::at);
  return view;
}

std::vector<std::string> status_lines(const StatusView& view, const Screen& screen) {
  std::vector<std::string> lines;
  const auto host = view.host.empty() ? "" : escaped(view.host) + "  ";
  lines.push_back(cut(fmt::format("apdepot {}  {}{}  up {}{}", view.version, host, escaped(view.depot, whole),
                                  age_text(view.up), view.draining ? "  stopping" : ""),
                      screen.columns));
  add_verdicts(lines, view, screen);
  std::uint64_t rate = 0;
  for (const auto& transfer : view.transfers)
    if (transfer.state == "moving") rate += static_cast<std::uint64_t>(transfer.rate);
  auto sums = counted(view.running, "transfer", "transfers");
  if (view.stalled > 0) sums += fmt::format(", {} stalled", view.stalled);
  if (view.running > 0) sums += ", " + rate_text(static_cast<double>(rate));
  sums += fmt::format("; {}", counted(view.sessions, "session", "sessions"));
  if (view.releases) sums += ", " + counted(*view.releases, "release", "releases");
  if (view.goal && view.goal->of > 0)
    sums += fmt::format("; {} of {} have {}", view.goal->have, view.goal->of, view.goal->version);
  lines.push_back(cut(sums, screen.columns));
  lines.push_back(cut(fmt::format("since the start {} whole, {} broke off, {}", view.whole, view.broke_off,
                                  counted(view.misses, "miss", "misses")),
                      screen.columns));
  add_imports(lines, view, screen);
  const auto told = std::min(view.trouble.size(), most_trouble);
  std::vector<std::string> troubles;
  std::size_t below = 0;  // rows that they take: they are never cut
  for (std::size_t i = 0; i < told; ++i) {
    const auto& each = view.trouble[i];
    const auto time = each.at.substr(std::min<std::size_t>(11, each.at.size()));
    troubles.push_back(fmt::format("  {} {}  {}", time, each.client, each.text));
    below += 1 + width_of(troubles.back()) / screen.columns;
  }
  auto room = view.transfers.size();
  if (screen.rows) {
    const auto others = rows_of(lines, screen.columns) + 2 + (told > 0 ? below + 1 : 0);
    room = *screen.rows > others ? std::min<std::size_t>(room, *screen.rows - others) : 0;
  }
  if (!view.transfers.empty()) lines.push_back(cut(heading(screen), screen.columns));
  for (std::size_t i = 0; i < room; ++i) lines.push_back(cut(row(view.transfers[i], screen), screen.columns));
  if (room < view.transfers.size()) lines.push_back(fmt::format("  {} more", view.transfers.size() - room));
  if (told > 0) lines.emplace_back("last troubles:");
  lines.insert(lines.end(), troubles.begin(), troubles.end());
  return lines;
}

}  // namespace server
