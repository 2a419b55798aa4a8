#include "server/doctor/configuration.hpp"

#include <fmt/format.h>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/os/addresses.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"
#include "storage/files/path_text.hpp"

namespace server::doctor {
namespace {

void add_unknown_interfaces(const conf::Settings& settings, std::vector<std::string>& mistakes) {
  for (const auto& listen : {settings.tftp.listen, settings.ssh.listen, settings.http.endpoints(false),
                             settings.http.endpoints(true)})
    if (auto text = unknown_interface(listen)) mistakes.push_back(std::move(*text));
}

Result run(const Sight& sight) {
  auto mistakes = sight.mistakes;
  if (sight.settings) add_unknown_interfaces(*sight.settings, mistakes);
  return judge_configuration(sight.config_file, mistakes, sight.warnings);
}

}  // namespace

Result judge_configuration(const std::string& file, const std::vector<std::string>& mistakes,
                           const std::vector<std::string>& warnings) {
  constexpr std::string_view command = "; run: ";
  Result result;
  for (const auto& mistake : mistakes) result.fails(escaped(mistake, whole));
  for (const auto& warning : warnings) {
    const auto at = warning.find(command);
    if (at == warning.npos) {
      result.look(escaped(warning, whole));
    } else {
      result.look(escaped(warning.substr(0, at), whole), escaped(warning.substr(at + command.size()), whole));
    }
  }
  return std::move(result).or_ok(file.empty()
                                     ? fmt::format("the built-in defaults: there is no {}, and no --config",
                                                   storage::utf8_of(host::usual_config()))
                                     : fmt::format("{} has no mistakes", escaped(file, whole)));
}

const Check configuration_check{"config", "config", nullptr, run};

}  // namespace server::doctor
