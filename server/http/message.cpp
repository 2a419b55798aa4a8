#include "server/http/message.hpp"

#include "server/loop/succeeds.hpp"
#include "server/text/json.hpp"

namespace server::http {

net::ip::address Request::address() const {
  error_code none;
  return net::ip::make_address(client, none);
}

Reply problem(unsigned status, const std::string& title, const std::string& detail, const std::string& fix) {
  return safe_problem(status, title, escaped(detail, most_of_ours), fix);
}

Reply safe_problem(unsigned status, const std::string& title, const std::string& detail,
                   const std::string& fix) {
  JsonObject object;
  object.add("title", title);
  object.add("status", status);
  object.add_safe("detail", detail);
  if (!fix.empty()) object.add("fix", fix, most_of_ours);
  return {status, "application/problem+json", object.text() + "\n", {}};
}

Respond::~Respond() {
  if (!tell_) return;
  succeeds([this] {
    (*this)(problem(500, "not answered", "the server gave the request up, such as for want of memory",
                    "ask again; the server's log says more"));
  });
}

void Respond::operator()(Reply reply) { std::exchange(tell_, nullptr)(std::move(reply)); }

}  // namespace server::http
