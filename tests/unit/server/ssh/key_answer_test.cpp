#include "server/ssh/key_answer.hpp"

#include <doctest/doctest.h>

using namespace server;

// libssh 0.10 never shows a message whose signature is wrong: only this test can.
TEST_CASE("only a valid signature by the user's own key logs in") {
  CHECK(answer_to_key(true, SSH_PUBLICKEY_STATE_VALID) == KeyAnswer::logged_in);
  CHECK(answer_to_key(true, SSH_PUBLICKEY_STATE_NONE) == KeyAnswer::worth_signing);
  CHECK(answer_to_key(true, SSH_PUBLICKEY_STATE_WRONG) == KeyAnswer::refused);
  CHECK(answer_to_key(true, SSH_PUBLICKEY_STATE_ERROR) == KeyAnswer::refused);
}

TEST_CASE("a key that is not the user's opens nothing, whatever its signature") {
  for (const auto signature : {SSH_PUBLICKEY_STATE_ERROR, SSH_PUBLICKEY_STATE_NONE, SSH_PUBLICKEY_STATE_VALID,
                               SSH_PUBLICKEY_STATE_WRONG})
    CHECK(answer_to_key(false, signature) == KeyAnswer::refused);
}
