#include "server/http/message.hpp"

#include "server/text/json.hpp"

namespace server::http {

Reply problem(unsigned status, const std::string& title, const std::string& detail, const std::string& fix) {
  JsonObject object;
  object.add("title", title);
  object.add("status", status);
  object.add("detail", detail, most_of_ours);
  if (!fix.empty()) object.add("fix", fix, most_of_ours);
  return {status, "application/problem+json", object.text() + "\n"};
}

}  // namespace server::http
