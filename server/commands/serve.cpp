#include <fmt/format.h>

#include "server/commands/command.hpp"
#include "server/server.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--tftp", "ADDR:PORT", "serve TFTP there, whatever the config says; repeatable"},
                       {"--ssh", "ADDR:PORT", "serve SFTP there, whatever the config says; repeatable"}};

std::vector<conf::Endpoint> endpoints(const Arguments& arguments, std::string_view flag) {
  std::vector<conf::Endpoint> endpoints;
  for (const auto& text : arguments.values(flag)) {
    const auto endpoint = conf::parse_endpoint(text);
    if (!endpoint)
      throw UsageError(fmt::format("{} {}: it is ADDR:PORT, such as 0.0.0.0:69 or [::]:69", flag, text));
    endpoints.push_back(*endpoint);
  }
  return endpoints;
}

conf::Loaded load(const Arguments& arguments) {
  auto loaded = load_settings(arguments);
  if (arguments.has("--tftp")) loaded.settings.tftp.listen = endpoints(arguments, "--tftp");
  if (arguments.has("--ssh")) loaded.settings.ssh.listen = endpoints(arguments, "--ssh");
  return loaded;
}

int run(Arguments& arguments) {
  arguments.expect_no_more();
  const auto reload = [arguments] { return load(arguments); };
  auto loaded = reload();
  auto config_name = config_file_name(arguments);
  const bool configured = !config_name.empty();
  const ListenPlan plan{loaded.settings.tftp.listen, loaded.settings.ssh.listen,
                        configured || arguments.has("--tftp"), configured || arguments.has("--ssh")};
  Server(std::move(loaded), plan, {arguments.program(), std::move(config_name), reload}).run();
  return 0;
}

}  // namespace

const Command serve_command{"serve", "", "runs the server in the foreground", flags, run};

}  // namespace server
