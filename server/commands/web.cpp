#include <fmt/format.h>

#include <stdexcept>
#include <system_error>

#include "server/commands/command.hpp"
#include "server/http/client.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/json_reader.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr auto of_server = "the server's answer";

YAML::Node ask(const storage::Depot& depot, const std::string& path) {
  try {
    const auto reply = http::Client(depot.state()).ask("GET", path);
    auto answer = read_json(reply.body, of_server);
    if (reply.status == 200) return answer;
    throw std::runtime_error(fmt::format("{}; {}",
                                         member<std::string>(answer, "detail").value_or("no answer"),
                                         member<std::string>(answer, "fix").value_or("see its log")));
  } catch (const std::system_error& e) {
    throw std::runtime_error(
        fmt::format("no server answers in {}: {}; is it running? `{}`, or `apdepot serve` starts it",
                    escaped(storage::utf8_of(depot.directory()), whole), e.code().message(), host::status));
  }
}

int run(Arguments& arguments) {
  const auto what = arguments.take_word("code or fingerprint");
  arguments.expect_no_more();
  if (what != "code" && what != "fingerprint")
    throw UsageError(fmt::format("web {}: it is code or fingerprint", what));
  const auto answer = ask(existing_depot(arguments), "/api/v1/web/" + what);
  fmt::print("{}\n", text_said(answer, what.c_str()));
  for (const auto& page : answer["pages"])
    if (page.IsScalar()) fmt::print(stderr, "{}\n", text_said(page.Scalar()));
  return 0;
}

}  // namespace

const Command web_command{"web",
                          "code|fingerprint",
                          "prints what the page's set-up asks for, or the fingerprint of its certificate",
                          {},
                          run};

}  // namespace server
