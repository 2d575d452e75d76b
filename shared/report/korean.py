"""The lessons' titles and one-line descriptions, and the pages' headings, in Korean."""

TITLES = {
    "logic_gates": "논리 게이트: AND, NAND, OR는 임계 뉴런 하나로, XOR는 셋으로 만든다",
    "activations": "활성화 함수: 계단, 시그모이드, tanh, ReLU, 소프트맥스와 그 기울기",
    "autograd": "자동 미분: 식을 앞으로 계산하고, 그 기울기를 뒤에서부터 구한다",
    "forward_pass": "순전파: 입력 세 개가 은닉 뉴런 네 개를 거쳐 출력 두 개가 된다",
    "delta_rule": "델타 규칙: 시그모이드 뉴런 하나가 손으로 구한 기울기로 OR를 배운다",
    "perceptron_iris": "로젠블랫의 퍼셉트론: 두 가지 붓꽃을 구별한다",
    "linear_regression": "선형 회귀: 세 번의 시험 점수로 기말고사 점수를 예측한다",
    "logistic_gates": "로지스틱 뉴런과 논리 게이트: AND와 OR는 배우고 XOR는 못 배운다",
    "logistic_regression": "로지스틱 회귀: 수업과 공부 시간으로 합격 여부를 예측한다",
    "softmax_regression": "소프트맥스 회귀: 네 가지 점수로 세 등급을 가린다",
    "xor_perceptron": "뉴런 하나와 XOR: 손실이 ln 2에서 더 내려가지 않는다",
    "xor_mlp": "은닉층 하나와 XOR: 뉴런 하나로 못 하는 일을 두 층은 해낸다",
    "xor_deep": "깊게 쌓은 시그모이드와 XOR: 오래 머물던 손실이 갑자기 떨어진다",
    "xor_backprop": "손으로 하는 역전파: 자동 미분 없이 두 층이 XOR를 배운다",
    "nn_regression": "은닉층이 있는 회귀: 한 곡면 위의 네 점을 맞춘다",
    "data_loader": "데이터 로더: 미니배치, 섞기, 그리고 덜 찬 마지막 배치",
    "optimizers": "옵티마이저: 같은 기울기를 쓰는 여덟 가지 방법",
    "mnist_mlp": "손글씨 숫자: MNIST를 Flatten, Dense, Dropout, Dense로 분류한다",
}
"""As in English: the title, and behind the colon one line on what the lesson shows."""

HEADINGS = {
    "All lessons": "전체 수업",
    "Every lesson in Keras on TensorFlow and in PyTorch, compared level by level.": (
        "모든 수업을 Keras(TensorFlow)와 PyTorch로 만들어 단계별로 비교한다."
    ),
    "Find a lesson": "수업 찾기",
    "Made with": "실행 환경",
    "The mathematics": "수식과 설명",
    "The settings": "설정",
    "The two sources": "두 소스 코드",
    "Loss while training": "학습 중 손실",
    "The lesson's picture": "결과 그림",
    "What the lesson computes": "계산 결과",
    "Where the tracks disagree": "두 모델의 답이 다른 이미지",
    "Which class is taken for which": "혼동 행렬",
    "The ladder": "단계별 비교",
    "Published and obtained": "강의 노트의 값과 얻은 값",
    "Many seeds": "여러 시드로 학습한 결과",
    "Time and memory": "시간과 메모리",
    "Run this comparison": "같은 비교를 실행하는 방법",
    "previous": "이전",
    "next": "다음",
}
"""Of the pages' own words those that a reader finds his way by."""
