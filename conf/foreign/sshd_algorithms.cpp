#include "conf/foreign/sshd_algorithms.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "conf/algorithms.hpp"
#include "conf/foreign/text.hpp"

namespace conf::foreign {
namespace {

using enum Compatibility;

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// sshd's list as apdepot's: "+" adds to the usual ones, "-" takes some out, "^" sets some in front.
void read_list(const SshdConfig::Setting& setting, AlgorithmKind kind, const Kind<std::string>& known,
               std::vector<std::string>& out, Draft& draft) {
  if (setting.words.empty()) return;
  std::string_view text = setting.words.front();
  const char sign = text.empty() ? ' ' : text.front();
  if (sign == '+' || sign == '-' || sign == '^') text.remove_prefix(1);
  const auto modern_ones = algorithms(kind, modern), all = algorithms(kind, legacy);
  const auto named = parts(text, ',');
  std::vector<std::string> names;
  if (sign == '-') {
    for (const auto& name : modern_ones)
      if (!fits_list(named, name)) names.push_back(name);
  } else {
    if (sign == '+') names = modern_ones;
    for (const auto& name : named) {
      if (is_in(all, name)) {
        if (!is_in(names, name)) names.push_back(name);
      } else {
        draft.tell(setting.place, fmt::format("{} {}: it is left out{}", setting.keyword, name,
                                              known.advice ? known.advice(name) : ""));
      }
    }
    if (sign == '^')
      for (const auto& name : modern_ones)
        if (!is_in(names, name)) names.push_back(name);
  }
  if (names.empty())
    return draft.tell(setting.place, fmt::format("{}: nothing of it is known here; apdepot's own list stays",
                                                 setting.keyword));
  if (names != modern_ones) out = std::move(names);
}

}  // namespace

void read_algorithms(const SshdConfig& config, Draft& draft) {
  auto& ssh = draft.settings.ssh;
  const struct {
    std::string_view keyword;
    AlgorithmKind kind;
    const Kind<std::string>& known;
    std::vector<std::string>& out;
  } lists[]{{"kexalgorithms", AlgorithmKind::kex, kex_name, ssh.kex},
            {"hostkeyalgorithms", AlgorithmKind::host_key, host_key_name, ssh.host_key_algorithms},
            {"ciphers", AlgorithmKind::cipher, cipher_name, ssh.ciphers},
            {"macs", AlgorithmKind::mac, mac_name, ssh.macs}};
  for (const auto& [keyword, kind, known, out] : lists)
    if (const auto* setting = config.find(keyword)) read_list(*setting, kind, known, out, draft);
}

}  // namespace conf::foreign
